"""Start, find and stop the embedded server."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from dashpipe.embedded import guard, process, state
from dashpipe.embedded.builds import Build, find_build
from dashpipe.embedded.errors import EmbeddedError

#: Seconds a server may take until it answers; it recovers its data first.
PATIENCE = 60.0

_LISTENING = re.compile(r"listening on 127\.0\.0\.1:(\d+)")


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers. As a context manager it is stopped at the end.

    Attributes:
        storage: The folder with its data, log and state file.
        pid: Its process, the leader of a group of its own.
        port: Its port on 127.0.0.1.
        build: ``secantusd-rs`` or ``secantusd-py``.
    """

    storage: Path
    pid: int
    port: int
    build: str
    _temporary: bool = field(default=False, repr=False)
    _guard: subprocess.Popen[bytes] | None = field(default=None, repr=False, compare=False)

    @property
    def uri(self) -> str:
        """Its MongoDB URI, without a database."""
        return self.database_uri("")

    def database_uri(self, name: str) -> str:
        """Its MongoDB URI with the database ``name`` in the path, as ``DASHPIPE_SOURCE_URI`` wants it."""
        return f"mongodb://127.0.0.1:{self.port}/{name}?directConnection=true"

    def is_alive(self) -> bool:
        """Whether its process lives."""
        return process.is_alive(self.pid, str(self.storage))

    def stop(self) -> None:
        """Stop it: ask, then kill. A temporary storage is removed. Stopping twice does nothing more."""
        if self.storage.is_dir():
            with state.locked(self.storage):
                process.end(self.pid, str(self.storage))
                state.forget(self.storage)
        if self._temporary:
            shutil.rmtree(self.storage, ignore_errors=True)
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.stdin.close()
            self._guard.wait()

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start(
    storage: Path | None = None, port: int | None = None, *, build: str | None = None, detach: bool = False
) -> Server:
    """Start a server on 127.0.0.1 and wait until it answers.

    Args:
        storage: The folder of its data, made where it is missing; None: a temporary one, removed by ``stop``.
        port: Its port; None: a free one, chosen by the system as it binds, so that two starts never meet.
        build: The name of a build; None: the native one where there is one (see ``find_build``).
        detach: Let it live on after this process. Else it ends with this process, however that ends.

    Raises:
        EmbeddedError: It is not installed, one runs on this storage already, or it did not start.
    """
    found = find_build(build)
    temporary = storage is None
    folder = Path(tempfile.mkdtemp(prefix="dashpipe-embedded-")) if storage is None else storage.absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with state.locked(folder):
            running = find(folder)
            if running is not None:
                raise EmbeddedError(
                    f"an embedded server runs on {folder} already, at {running.uri}; "
                    "use it, or stop it with `dashpipe embedded stop`"
                )
            pid, taken = _launch(found, folder, port or 0)
            state.write(folder, state.State(pid, taken, found.name))
    except OSError as error:
        raise EmbeddedError(f"cannot use {folder} as the embedded server's storage: {error}") from error
    except EmbeddedError:
        if temporary:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    watch = None if detach else _watch(pid, folder, temporary)
    return Server(folder, pid, taken, found.name, temporary, watch)


def find(storage: Path) -> Server | None:
    """The server that runs on this storage, started by whichever process, or None."""
    folder = storage.absolute()
    known = state.read(folder)
    if known is None or not process.is_alive(known.pid, str(folder)):
        return None
    return Server(folder, known.pid, known.port, known.build)


def _launch(build: Build, folder: Path, port: int) -> tuple[int, int]:
    config = folder / "secantusd.toml"
    config.touch()
    log = folder / f"{build.name}.log"
    # The builds differ in what they store: each has its own data.
    child = process.spawn(build.command(folder / build.name, config, port), log, folder)
    deadline = time.monotonic() + PATIENCE
    try:
        while time.monotonic() < deadline and child.poll() is None:
            said = _LISTENING.search(log.read_text(encoding="utf-8", errors="replace"))
            if said is not None and _answers(int(said[1])):
                return child.pid, int(said[1])
            time.sleep(0.02)
    except BaseException:
        process.end(child.pid, str(folder))
        raise
    ended = child.poll()
    process.end(child.pid, str(folder))
    why = f"did not answer within {PATIENCE:.0f} s" if ended is None else f"ended at once (exit {ended})"
    raise EmbeddedError(f"the embedded server {build.name} {why}: {_reason(log)} (its log: {log})")


def _answers(port: int) -> bool:
    client: MongoClient[dict[str, object]]
    client = MongoClient("127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=2000)
    with client, contextlib.suppress(PyMongoError):
        client.admin.command("ping")
        return True
    return False


def _reason(log: Path) -> str:
    lines = [
        line.strip()
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines()
        if line.strip()
    ]
    return lines[-1] if lines else "it said nothing"


def _watch(pid: int, folder: Path, temporary: bool) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-I", str(guard.__file__), str(pid), str(folder), str(folder) if temporary else ""],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
