"""Renderers: pure functions from findings to text, one file a format.

Each takes the findings and ``sources`` (file → its text, for the snippets) and returns what is printed. A
renderer is imported only when its format is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dashpipe.spec.diagnostic import Diagnostic

#: The formats of ``dashpipe lint --format``; each is a module of this package.
FORMATS = ("full", "concise", "json", "github")


class Renderer(Protocol):
    """What each module of a format gives as ``render``."""

    def __call__(self, findings: Sequence[Diagnostic], sources: Mapping[str, str], color: bool, /) -> str:
        """The findings as text, with a line end at the end unless it is empty."""
        ...


def renderer(name: str) -> Renderer:
    """The renderer of a format.

    Args:
        name: One of ``FORMATS``.

    Raises:
        KeyError: There is no such format.
    """
    if name not in FORMATS:
        raise KeyError(name)
    return cast("Renderer", import_module(f"{__name__}.{name}").render)
