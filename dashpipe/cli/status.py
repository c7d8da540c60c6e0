"""``dashpipe status [SUBJECT …]``: which partitions are published, missing, stale or failed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from dashpipe.cli.common import colored, find_subject, format_option, load_project, progress, project_option

if TYPE_CHECKING:
    from dashpipe.run.status import Status, Stretch

#: The most stretches of a grain that are shown one by one; JSON has all.
_MOST = 12

_COLORS = {"published": "green", "incomplete": "cyan", "failed": "red", "missing": "yellow"}


@click.command()
@click.argument("subjects", metavar="[SUBJECT]...", nargs=-1)
@project_option
@format_option("text", "json")
def command(subjects: tuple[str, ...], format: str) -> int:
    """Show the partitions of SUBJECT (its id or its file; default: all), who runs it, and its newest runs.

    Exit code 1 where a partition failed.
    """
    from dashpipe.cli.running import opened
    from dashpipe.run import status
    from dashpipe.run.errors import translating
    from dashpipe.run.log import silent

    project = load_project()
    wanted = [find_subject(project, one) for one in subjects] or list(project.resolved().subjects)
    if not wanted:
        progress("there is no subject that passes lint; `dashpipe lint` says why")
        return 1
    found: list[Status] = []
    with opened(project, silent) as setup:
        for subject in wanted:
            with translating(f"reading the state of {subject.id}"):
                one = status.find(setup.connections.database(subject.target.connection), subject)
            found.append(one)
            if format == "text":
                click.echo("\n".join(_lines(one)))
    if format == "json":
        click.echo(_json(found))
    return 1 if any(s.state == "failed" for one in found for some in one.grains.values() for s in some) else 0


def _lines(one: Status) -> list[str]:
    lines = [click.style(one.subject, bold=True) if colored() else one.subject]
    if one.holder is not None:
        lines.append(f"  running: {one.holder}, step {one.step}, lease until {one.until:%H:%M:%S} UTC")
    for run in one.runs:
        done = ", ".join(run["done"]) or "nothing yet"
        lines.append(f"  run {run['id']} ({run['kind']}, {run['at']:%Y-%m-%d %H:%M} UTC): {done}")
        for source, fields in run["mistyped"].items():
            said = ", ".join(f"{n:,} `{field}`" for field, n in fields.items())
            lines.append(f"    mistyped values of {source}: {said}")
        lines += [f"    rows of {source} that cannot be read: {n:,}" for source, n in run["bad_rows"].items()]
    for source, kept in one.quarantine.items():
        since = f"{kept['since']:%Y-%m-%d %H:%M} UTC"
        n = "1 document" if kept["documents"] == 1 else f"{kept['documents']:,} documents"
        lines.append(f"  in quarantine: {n} of {source}, the oldest since {since}")
    width = max((len(grain.value) for grain in one.grains), default=0) + 1
    for grain, stretches in one.grains.items():
        shown = stretches if len(stretches) <= _MOST else _by_state(stretches)
        lines += [f"  {grain.value:<{max(width, 8)}}{_stretch(stretch)}" for stretch in shown]
    return [*lines, ""]


def _by_state(stretches: tuple[Stretch, ...]) -> list[Stretch]:
    """One line a state, with the reason of its newest stretch: many short ones say nothing to a reader."""
    found: dict[str, Stretch] = {}
    for one in stretches:
        so_far = found.get(one.state)
        count = one.count + (so_far.count if so_far else 0)
        rows = one.rows + (so_far.rows if so_far else 0)
        first = so_far.first if so_far else one.first
        found[one.state] = replace(one, first=first, count=count, rows=rows)
    return list(found.values())


def _stretch(one: Stretch) -> str:
    state = f"{one.state:<11}"
    if colored() and one.state in _COLORS:
        state = click.style(state, fg=_COLORS[one.state])
    span = one.first if one.count == 1 else f"{one.first} … {one.last} ({one.count:,})"
    rows = "" if one.state == "missing" else f"  {one.rows:,} rows"
    return f"{state} {span}{rows}" + (f"  {one.reason}" if one.reason else "")


def _json(found: list[Status]) -> str:
    import json
    from dataclasses import asdict
    from datetime import datetime

    def plain(value: Any) -> Any:
        if isinstance(value, datetime):
            return value.isoformat().replace("+00:00", "Z")
        raise TypeError(type(value).__name__)

    subjects = [
        {
            **asdict(one),
            "grains": {grain.value: [asdict(s) for s in some] for grain, some in one.grains.items()},
        }
        for one in found
    ]
    return json.dumps({"version": 1, "subjects": subjects}, default=plain, indent=2, ensure_ascii=False)
