"""A run in a process of its own that is stopped, by a signal, right before it sends a chosen command."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from pymongo import monitoring

from dashpipe.run import run_all
from tests.run import shop

#: Commands that change something; an aggregation does where it ends in a write.
WRITES = frozenset(
    ("insert", "update", "delete", "findAndModify", "create", "createIndexes", "drop", "commitTransaction")
)

#: Children come from a server process that has imported everything already.
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["pytest", "tests.run.victim"])
_ROOT = str(Path(__file__).parents[2])


class _Trap(monitoring.CommandListener):
    """Counts the writes of this process, and raises a signal right before the n-th is sent.

    With ``of`` only those count whose collection has that in its name.
    """

    def __init__(self, number: int, kind: int, told: Any, of: str) -> None:
        self.number = number
        self.kind = kind
        self.of = of
        self.seen = 0
        self._told = told
        self._lock = threading.Lock()

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        stages = event.command.get("pipeline") or [{}]
        writes = event.command_name in WRITES or bool({"$out", "$merge"} & set(stages[-1]))
        into = [one for one in (stages[-1].get("$out"), stages[-1].get("$merge", {}).get("into")) if one]
        if not writes or self.of not in str(into or event.command.get(event.command_name)):
            return
        with self._lock:
            self.seen += 1
            hit = self.seen == self.number
        if hit:
            self._told.value = event.command_name.encode()
            os.kill(os.getpid(), self.kind)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None: ...

    def failed(self, event: monitoring.CommandFailedEvent) -> None: ...


def _run(
    uri: str, source: str, target: str, number: int, kind: int, told: Any, asked: dict[str, Any]
) -> None:
    trap = _Trap(number, kind, told, asked.pop("of", ""))
    monitoring.register(trap)
    setup = replace(shop.make_setup(uri, source, target), **asked.pop("setup", {}))
    try:
        run_all(shop.request(**asked), setup, tries=1)
    finally:
        if not number:
            told.value = str(trap.seen).encode()


def start(
    uri: str, source: str, target: str, number: int, kind: signal.Signals, **asked: Any
) -> tuple[BaseProcess, Any]:
    """Start a run that gets a signal before its n-th write (0: never).

    ``setup`` are parts of its setup that differ from the shop's; with ``of`` only writes to collections with
    that in their name count.

    Returns:
        The process, and a value: the name of the n-th write once it was reached, or how many there were.
    """
    told = _context.Array("c", 64)
    process = _context.Process(target=_run, args=(uri, source, target, number, int(kind), told, asked))
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = _ROOT  # for the server process, which the first start begins
    try:
        process.start()
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
    return process, told


def paused(pid: int) -> None:
    """Wait until a process has stopped itself."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123 -- procfs
            if stat.read().rpartition(")")[2].split()[0] == "T":
                return
        time.sleep(0.01)
    raise AssertionError("the run did not reach that write")
