"""A run in a process of its own that is stopped, by a signal, right before it sends a chosen command."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from multiprocessing.process import BaseProcess
from typing import Any

from pymongo import monitoring

from dashpipe.run import run_all
from tests.run import shop

#: Commands that change something; an aggregation does where it ends in a write.
WRITES = frozenset(
    ("insert", "update", "delete", "findAndModify", "create", "createIndexes", "drop", "commitTransaction")
)

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.run.victim"])


class _Trap(monitoring.CommandListener):
    """Counts the writes of this process, and raises a signal right before the n-th is sent."""

    def __init__(self, number: int, kind: int) -> None:
        self.number = number
        self.kind = kind
        self.seen = 0
        self._lock = threading.Lock()

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        stages = event.command.get("pipeline") or [{}]
        writes = event.command_name in WRITES or bool({"$out", "$merge"} & set(stages[-1]))
        if not writes:
            return
        with self._lock:
            self.seen += 1
            hit = self.seen == self.number
        if hit:
            os.kill(os.getpid(), self.kind)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None: ...

    def failed(self, event: monitoring.CommandFailedEvent) -> None: ...


def _run(
    uri: str, source: str, target: str, number: int, kind: int, counted: Any, asked: dict[str, Any]
) -> None:
    trap = _Trap(number, kind)
    monitoring.register(trap)
    setup = shop.make_setup(uri, source, target)
    try:
        run_all(shop.request(**asked), setup, tries=1)
    finally:
        counted.value = trap.seen


def start(
    uri: str, source: str, target: str, number: int, kind: signal.Signals, **asked: Any
) -> tuple[BaseProcess, Any]:
    """Start a run that gets a signal before its n-th write (0: never).

    Returns:
        The process, and a value that holds how many writes there were once it ended by itself.
    """
    counted = _context.Value("i", 0)
    process = _context.Process(target=_run, args=(uri, source, target, number, int(kind), counted, asked))
    process.start()
    return process, counted
