"""What the demo shows at its end: what the runs did, some published numbers, and what to try next."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from dashpipe.demo.chart import bars
from dashpipe.demo.play import TARGET, Demo, Played, words
from dashpipe.demo.story import LEARNING, cancelled_days, carriers, teachers
from dashpipe.embedded import find_build

if TYPE_CHECKING:
    from rich.console import Console


def show(console: Console, demo: Demo, played: list[Played]) -> None:
    """Print tables of the runs and of published numbers, and a chart; 80 columns are enough."""
    from pymongo import MongoClient

    with MongoClient[dict[str, Any]](demo.server.uri, tz_aware=True) as client:
        target = client[TARGET]
        months, days = carriers(target), cancelled_days(target)
        job = next(one.job for one in played if one.job.dag_id == LEARNING[0])
        best = teachers(target, job)
    console.print()
    console.print(_runs(played))
    console.print(_carriers(months, demo.flights))
    console.print()
    _chart(console, days)
    console.print(_teachers(best, job.days))


def next_steps(console: Console, demo: Demo, *, keep: bool) -> None:
    """Print what to try next, as commands that work as they stand."""
    dashpipe = program("dashpipe")
    storage = demo.server.storage.relative_to(demo.root)
    server = [f"export {name}='{uri}'" for name, uri in demo.uris.items()]
    if not keep:
        build = "" if find_build().name == demo.server.build else f" --build {demo.server.build}"
        server = [f'eval "$({dashpipe} embedded start --storage {storage}{build} --format env)"']
    parts = (
        ("what a subject becomes: plan, stages, index advice", [f"{dashpipe} show flights_ops_carrier_v1"]),
        (
            "the same run without Airflow, and what is published now",
            [
                *server,
                f"{dashpipe} run flights_ops_carrier_v1 --from 2013-01-01 --to 2013-02-01",
                f"{dashpipe} status flights_ops_carrier_v1",
                f"{dashpipe} embedded stop --storage {storage}",
            ],
        ),
        ("Airflow's own scheduler and UI on the same data", ["make airflow"]),
    )
    console.print(f"The embedded server {'runs on' if keep else 'is stopped; its data are kept'}. Try next:")
    for about, lines in parts:
        for line in (f"# {about}", *lines):
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


def _table(title: str, *columns: str, numbers: tuple[str, ...], caption: str | None = None) -> Table:
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        caption=caption,
        caption_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1),
        min_width=len(title),
    )
    for name in (*columns, *numbers):
        table.add_column(name, justify="right" if name in numbers else "left", no_wrap=True)
    return table


def _runs(played: list[Played]) -> Table:
    table = _table("Runs through Airflow", "subject", numbers=("first run", "s", "the same again", "s "))
    for one in played:
        first, again = (f"{run.seconds:.0f}" for run in (one.first, one.again))
        table.add_row(one.job.dag_id, words(one.first), first, words(one.again), again)
    return table


def _carriers(rows: list[dict[str, Any]], what: str) -> Table:
    numbers = ("flights", "cancelled", "late", "delay", "speed")
    caption = "late: by more than 15 minutes; delay: mean, in minutes; speed: miles an hour"
    table = _table(f"ops_carrier_month: {what}", "carrier", numbers=numbers, caption=caption)
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
    worst, share = max(days, key=lambda one: one[1])
    console.print("ops_carrier: share of flights cancelled, by day", style="bold", highlight=False)
    for line in bars([one for _, one in days]):
        console.print(f"  {line}", highlight=False, markup=False)
    axis = "".join(f"{day[-2:] if number % 7 == 0 else '':<2}" for number, (day, _) in enumerate(days))
    console.print(f"  {axis}", highlight=False)
    console.print(f"the worst: {worst}, {_percent(share)}", style="dim italic", highlight=False)
    console.print()


def _teachers(rows: list[dict[str, Any]], days: str) -> Table:
    title = f"dash_teacher: most minutes taught, {days}"
    table = _table(title, "teacher", "country", numbers=("lessons", "minutes"))
    for row in rows:
        teacher, country = str(row["_id"] or "–"), str(row["country"] or "–")
        table.add_row(teacher, country, f"{row['lessons']:,}", f"{row['minutes']:,.0f}")
    return table


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"
