"""Where a value stands, and values that the environment may give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Origin(NamedTuple):
    """Where a value stands: the file (as the project names it) and its key path in that file."""

    file: str
    path: tuple[str | int, ...] = ()

    def at(self, *keys: str | int) -> Origin:
        """The origin of something below this one."""
        return Origin(self.file, (*self.path, *keys))


NOWHERE = Origin("")


@dataclass(frozen=True, slots=True)
class Env:
    """``{env: NAME, default: TEXT}``: a value that is read from the environment when a run starts."""

    name: str
    default: str | None = None


#: A text, or one that the environment may give.
EnvText = str | Env
