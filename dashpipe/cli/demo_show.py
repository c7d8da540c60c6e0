"""What the demo shows at its end: what the runs did, some published numbers, and what to try next."""

from __future__ import annotations

import shutil
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from dashpipe.demo.chart import bars
from dashpipe.demo.play import TARGET, Demo, Played, words
from dashpipe.demo.story import LEARNING, cancelled_days, carriers, teachers

if TYPE_CHECKING:
    from rich.console import Console


def show(console: Console, demo: Demo, played: list[Played]) -> None:
    """Print tables of the runs and of published numbers, and a chart."""
    from pymongo import MongoClient

    with MongoClient[dict[str, Any]](demo.server.uri, tz_aware=True) as client:
        target = client[TARGET]
        months, days = carriers(target), cancelled_days(target)
        job = next(one.job for one in played if one.job.dag_id == LEARNING[0])
        best = teachers(target, job)
    console.print()
    console.print(_runs(played))
    console.print(_carriers(months, demo.flights))
    _chart(console, days)
    console.print(_teachers(best, job.days))


def next_steps(console: Console, demo: Demo, *, keep: bool) -> None:
    """Print what to try next, as commands that work as they stand."""
    dashpipe = program("dashpipe")
    storage = demo.server.storage.relative_to(demo.root)
    start = f"{dashpipe} embedded start --storage {storage}"
    console.print(
        "Try next:" if keep else "The server is stopped, its data are kept. Try next:", highlight=False
    )
    lines = [
        f"{dashpipe} show flights_ops_carrier_v1      # what a subject becomes: plan, stages, index advice",
    ]
    if keep:
        lines += [f"export {name}='{uri}'" for name, uri in demo.uris.items()]
    else:
        lines += [f'eval "$({start} --format env)"      # the server again, and its connections']
    lines += [
        f"{dashpipe} run flights_ops_carrier_v1 --from 2013-01-01 --to 2013-02-01      # without Airflow",
        f"{dashpipe} status flights_ops_carrier_v1",
        f"{dashpipe} embedded stop --storage {storage}",
        "make airflow      # Airflow's own scheduler and UI on the same data",
    ]
    for line in lines:
        console.print(f"  {line}", highlight=False, soft_wrap=True, markup=False)


def program(name: str) -> str:
    """How to call a program of this environment from here: by its name where that is it, else its path."""
    own = Path(sys.executable).parent / name
    found = shutil.which(name)
    if found is not None and Path(found) == own:
        return name
    try:
        return str(own.relative_to(Path.cwd()))
    except ValueError:
        return str(own)


def _runs(played: list[Played]) -> Table:
    table = Table(title="What the runs did, through Airflow", title_justify="left")
    for name in ("subject", "from", "to", "first run", "again"):
        table.add_column(name, overflow="fold")
    for one in played:
        table.add_row(
            one.job.dag_id,
            f"{one.job.start}",
            f"{one.job.end - timedelta(days=1)}",
            words(one.first),
            words(one.again),
        )
    return table


def _carriers(rows: list[dict[str, Any]], what: str) -> Table:
    table = Table(title=f"ops_carrier_month: {what}", title_justify="left")
    table.add_column("carrier")
    for name in ("flights", "cancelled", "late > 15 min", "mean delay, min", "miles an hour"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            f"{row['carrier']}  {row['carrier_name']}",
            f"{row['flights']:,}",
            _percent(row["cancel_rate"]),
            _percent(row["late_rate"]),
            f"{row['dep_delay_avg']:.1f}",
            f"{row['speed']:.0f}",
        )
    return table


def _chart(console: Console, days: list[tuple[str, float]]) -> None:
    values = [share for _, share in days]
    worst = max(days, key=lambda one: one[1])
    console.print(
        "ops_carrier: share of flights cancelled, by day of January 2013", style="italic", highlight=False
    )
    for line in bars(values):
        console.print(f"  {line}", highlight=False, markup=False)
    axis = "".join(f"{day[-2:] if number % 7 == 0 else '':<2}" for number, (day, _) in enumerate(days))
    console.print(f"  {axis}   the worst: {worst[0]}, {_percent(worst[1])}", highlight=False)
    console.print()


def _teachers(rows: list[dict[str, Any]], days: str) -> Table:
    title = f"dash_teacher: most minutes taught, {days}"
    table = Table(title=title, title_justify="left", min_width=len(title) + 4)
    table.add_column("teacher")
    table.add_column("country")
    for name in ("lessons", "minutes"):
        table.add_column(name, justify="right")
    for row in rows:
        minutes = f"{row['minutes']:,.0f}"
        table.add_row(str(row["_id"] or "–"), row["country"] or "–", f"{row['lessons']:,}", minutes)
    return table


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"
