"""What is known of a started server, in a file of its storage folder, for other processes."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

_FILE = "server.json"


@dataclass(frozen=True, slots=True)
class State:
    """A started server: its process, its port on 127.0.0.1 and its build's name."""

    pid: int
    port: int
    build: str


def write(storage: Path, state: State) -> None:
    """Store it, whole or not at all."""
    part = storage / f"{_FILE}.{os.getpid()}"
    part.write_text(json.dumps(asdict(state), sort_keys=True) + "\n", encoding="utf-8")
    part.replace(storage / _FILE)


def read(storage: Path) -> State | None:
    """What is stored, or None where there is nothing that can be read."""
    try:
        return State(**json.loads((storage / _FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def forget(storage: Path) -> None:
    """Remove it."""
    (storage / _FILE).unlink(missing_ok=True)


@contextlib.contextmanager
def locked(storage: Path) -> Iterator[None]:
    """Keep others from starting or stopping on this storage meanwhile."""
    with (storage / "server.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
