"""The two builds of the embedded server, and where they are looked for."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from dashpipe.embedded.errors import EmbeddedError

#: The native build: fast, built by Cargo.
NATIVE = "secantusd-rs"
#: The Python build: installed with the extra ``embedded``.
PYTHON = "secantusd-py"

_HOW = {
    NATIVE: "build it with `make native` (needs Cargo; some minutes, once)",
    PYTHON: "install it with `pip install 'dashpipe[embedded]'`",
}


@dataclass(frozen=True, slots=True)
class Build:
    """A build that is installed here: its ``name`` and the program's ``path``."""

    name: str
    path: Path

    def command(self, storage: Path, config: Path, port: int) -> list[str]:
        """The command line of a server.

        Args:
            storage: The folder of its data.
            config: Its settings file; named so that it reads no other from this machine.
            port: The port on 127.0.0.1; 0 lets the system choose, so that two starts never meet.
        """
        options = ["--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
        options += ["--storage-path", str(storage), "--cache-size", "512M"]
        if self.name == NATIVE:
            options += ["--log-file-max", "32MB"]  # each log file is allocated in full
        return [str(self.path), *options]


def tool_cache() -> Path:
    """The folder of programs that the project builds once a machine, beside other tools' caches."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "dashpipe" / "bin"


def find_build(name: str | None = None) -> Build:
    """The build to start: the native one where there is one, else the Python one.

    Args:
        name: ``secantusd-rs`` or ``secantusd-py``, to take this one only.

    Raises:
        EmbeddedError: It is not installed; says how to install it.
    """
    if name is not None and name not in _HOW:
        raise EmbeddedError(f"there is no embedded server `{name}`; write {NATIVE} or {PYTHON}")
    for candidate in (name,) if name else (NATIVE, PYTHON):
        path = _find(candidate)
        if path is not None:
            return Build(candidate, path)
    raise EmbeddedError(
        f"the embedded server {name or ''} is not installed: ".replace("  ", " ") + _HOW[name or PYTHON]
    )


def _find(name: str) -> Path | None:
    # Beside the running interpreter is this environment's own; one on the PATH may be another's.
    for folder in (Path(sys.executable).parent, tool_cache()):
        program = folder / name
        if program.is_file() and os.access(program, os.X_OK):
            return program
    found = shutil.which(name)
    return Path(found) if found else None
