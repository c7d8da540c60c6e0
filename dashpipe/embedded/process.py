"""Processes: start one in a group of its own, know it again later, end it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path


def spawn(command: list[str], log: Path, folder: Path) -> subprocess.Popen[bytes]:
    """Start a program in a process group of its own, so that a Ctrl-C here does not reach it.

    Args:
        command: Program and arguments.
        log: The file that takes its output, written anew.
        folder: Its working folder.
    """
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )


def is_alive(pid: int, mark: str) -> bool:
    """Whether a process lives that has ``mark`` in its command line: numbers are given out again."""
    proc = Path("/proc")
    if (proc / "self").exists():
        try:  # a zombie's command line is empty
            command = (proc / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return False
    else:
        shown = subprocess.run(
            ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, check=False
        )
        command = shown.stdout.decode(errors="replace")
    return mark in command


def end(pid: int, mark: str, patience: float = 20.0) -> None:
    """End a process and its group: ask it to stop, and kill it when it has not after ``patience`` seconds."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not is_alive(pid, mark):
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, number)
        deadline = time.monotonic() + patience
        while is_alive(pid, mark) and time.monotonic() < deadline:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)  # where it is our child, or it stays a zombie
            time.sleep(0.05)
