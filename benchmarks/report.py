"""Results as a table for a terminal, as JSON, and as RESULTS.md."""

from __future__ import annotations

import dataclasses
import platform
import re
from datetime import datetime, timezone
from typing import Any

from benchmarks.harness import Result

HEAD = """\
# Benchmarks

Each figure is the median of paired runs in one session: the two ways in turns, on the same data.
Wall time decides, or memory where it says so; CPU time is that of all processes that worked."""


def line(result: Result) -> str:
    """One result in one line."""
    return f"{'ok  ' if result.met else 'MISS'}  {figure(result):<24} goal {goal(result):<16} {result.name}"


def figure(result: Result) -> str:
    """The figure of a result, in words."""
    if result.limit is not None:
        return f"{result.beyond:+.1f} ms"
    if result.memory:
        return f"{result.ratio:.2f}× the memory"
    return f"{result.ratio:.2f}× {'faster' if result.faster else 'the time'}"


def goal(result: Result) -> str:
    """The goal of a result, in words."""
    if result.limit is not None:
        return f"≤ +{result.limit:g} ms"
    if result.goal is None:
        return "–"
    return f"{'≥' if result.faster else '≤'} {result.goal:g}×"


def document(results: list[Result], quick: bool, command: str) -> dict[str, Any]:
    """All results as JSON values."""
    return {
        "version": 1,
        "command": command,
        "quick": quick,
        "machine": machine(),
        "results": [dataclasses.asdict(one) | {"met": one.met} for one in results],
    }


def machine() -> str:
    """The machine that the figures are of."""
    import os

    system = f"{platform.system()} {platform.machine()}"
    return f"{os.cpu_count()} cores, {system}, Python {platform.python_version()}"


def written(before: str, results: list[Result], command: str) -> str:
    """RESULTS.md with a section of these results, in place of that of the same command if there is one."""
    head = f"## `{command}`\n"
    others = [one.rstrip() for one in re.split(r"(?m)^(?=## `)", before)[1:] if not one.startswith(head)]
    return "\n\n".join([HEAD, *others, head + _section(results)])


def _section(results: list[Result]) -> str:
    rows = [
        "",
        f"{datetime.now(tz=timezone.utc).date()}, {machine()}.",
        "",
        "| what | figure | by CPU | goal | dashpipe, wall / CPU s | other, wall / CPU s |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for one in results:
        by_cpu = "–" if one.limit is not None else f"{one.ratio_cpu:.2f}×"
        mark = "" if one.met else " **missed**"
        cells = [one.name, figure(one), by_cpu, goal(one) + mark, _measure(one.ours), _measure(one.other)]
        rows.append(f"| {' | '.join(cells)} |")
    rows += ["", "Sizes:", ""]
    for one in results:
        about = ", ".join(f"{key} {value}" for key, value in one.about.items())
        rows.append(f"- {one.name}: {about}{', ' if about else ''}{one.pairs} pairs.")
    return "\n".join(rows) + "\n"


def _measure(side: tuple[str, Any]) -> str:
    what, measure = side
    peak = f", {measure.peak:.0f} MiB" if measure.peak else ""
    return f"{what}: {measure.wall:.3f} / {measure.cpu:.3f}{peak}"
