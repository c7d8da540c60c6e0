"""What benchmarks share: paired measurements, and what a result is.

Two ways to the same end run in turns (a b, b a, a b, …), so that a machine which slows down slows both. The
figure is the median of the pairs' ratios. CPU time is that of every process that worked: this one, children,
the database server.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

#: Seconds between two looks at a process's memory.
_EVERY = 0.02


@dataclass(frozen=True, slots=True)
class Measure:
    """Seconds of one run, on the clock and of CPU; and the most memory that its process had, in MiB."""

    wall: float
    cpu: float
    peak: float = 0.0


@dataclass(frozen=True, slots=True)
class Result:
    """One comparison.

    Attributes:
        name: What was compared.
        ours: What dashpipe did, and its median measure.
        other: What the other did, and its median measure.
        ratio: Median of the pairs' ratios of wall time; ``faster``: other / ours, else ours / other.
        ratio_cpu: The same of CPU time.
        goal: The limit of ``ratio``: at least with ``faster``, else at most. None: there is no goal.
        limit: In place of a ratio's goal, how many milliseconds ours may take beyond the other.
        pairs: How many pairs were run.
        memory: Whether ``ratio`` is that of the memory, not of the time.
        about: Sizes and whatever else one must know to read the figure.
    """

    name: str
    ours: tuple[str, Measure]
    other: tuple[str, Measure]
    ratio: float
    ratio_cpu: float
    pairs: int
    faster: bool = True
    goal: float | None = None
    limit: float | None = None
    memory: bool = False
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def beyond(self) -> float:
        """Milliseconds that ours takes longer than the other."""
        return 1000 * (self.ours[1].wall - self.other[1].wall)

    @property
    def met(self) -> bool:
        """Whether the goal is met; true where there is none."""
        if self.limit is not None:
            return self.beyond <= self.limit
        if self.goal is None:
            return True
        return self.ratio >= self.goal if self.faster else self.ratio <= self.goal


def paired(
    name: str,
    ours: tuple[str, Callable[[], Measure]],
    other: tuple[str, Callable[[], Measure]],
    *,
    pairs: int,
    faster: bool = True,
    goal: float | None = None,
    limit: float | None = None,
    warm: bool = True,
    memory: bool = False,
    about: dict[str, Any] | None = None,
) -> Result:
    """Run two ways in turns and compare them.

    Args:
        name: What is compared.
        ours: dashpipe's way: what it is, and a function that does it once.
        other: The other way.
        pairs: How often.
        faster: Whether the ratio is other / ours (how many times faster we are), else ours / other.
        goal: See ``Result``, also for ``limit`` and ``about``.
        limit: Milliseconds.
        warm: Whether each way runs once before, unmeasured.
        memory: Compare the memory, not the time.
        about: Sizes.
    """
    if warm:
        ours[1]()
        other[1]()
    seen: list[tuple[Measure, Measure]] = []
    for turn in range(pairs):
        if turn % 2:
            second = other[1]()
            seen.append((ours[1](), second))
        else:
            first = ours[1]()
            seen.append((first, other[1]()))

    def ratio(part: Callable[[Measure], float]) -> float:
        both = [(part(b), part(a)) if faster else (part(a), part(b)) for a, b in seen]
        return statistics.median(above / max(below, 1e-9) for above, below in both)

    return Result(
        name=name,
        ours=(ours[0], _median([one for one, _ in seen])),
        other=(other[0], _median([one for _, one in seen])),
        ratio=ratio((lambda one: one.peak) if memory else (lambda one: one.wall)),
        ratio_cpu=ratio(lambda one: one.cpu),
        pairs=pairs,
        faster=faster,
        goal=goal,
        limit=limit,
        memory=memory,
        about=about or {},
    )


def _median(measures: list[Measure]) -> Measure:
    return Measure(
        statistics.median(one.wall for one in measures),
        statistics.median(one.cpu for one in measures),
        statistics.median(one.peak for one in measures),
    )


def process(command: Sequence[str | Path], cwd: Path | None = None, **environ: str) -> Measure:
    """Run a command to its end, output thrown away.

    Raises:
        RuntimeError: It failed; the message has what it printed.
    """
    started = time.perf_counter()
    child = subprocess.Popen(
        [str(one) for one in command],
        cwd=cwd,
        env=_environ(environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert child.stdout is not None
    with _watched(child.pid) as peak:
        output = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"{command[:4]} … failed:\n{output.decode(errors='replace')[-2000:]}")
    return Measure(wall, usage.ru_utime + usage.ru_stime, max(peak, default=0.0))


@contextmanager
def _watched(pid: int) -> Iterator[list[float]]:
    """The memory of a process while it runs, in MiB, looked at again and again.

    Not ``ru_maxrss``: of a child that is the size of whoever started it, where that was larger.
    """
    seen: list[float] = []
    over = threading.Event()

    def watch() -> None:
        process = psutil.Process(pid)
        with suppress(psutil.Error):
            while not over.wait(_EVERY):
                seen.append(process.memory_info().rss / 2**20)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


def _environ(more: dict[str, str]) -> dict[str, str]:
    """The environment of a process that is measured: it keeps bytecode, as Python does for its users."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | more


def inside(work: Callable[[], object], *others: int) -> Measure:
    """Call a function here; CPU is that of this process and of others (a database server), by their ids."""

    def cpu() -> float:
        times = [psutil.Process(pid).cpu_times() for pid in others]
        return time.process_time() + sum(float(one.user + one.system) for one in times)

    before, started = cpu(), time.perf_counter()
    work()
    wall = time.perf_counter() - started
    return Measure(wall, cpu() - before)


def script(code: str, **environ: str) -> Measure:
    """Run Python code in a process of its own that prints two numbers last: its seconds, wall and CPU.

    For what is to be timed after an import that is not.

    Raises:
        RuntimeError: It failed.
    """
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=_environ(environ),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the script failed:\n{done.stdout[-1000:]}{done.stderr[-2000:]}")
    wall, cpu = done.stdout.split()[-2:]
    return Measure(float(wall), float(cpu))
