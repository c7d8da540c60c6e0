"""A daily run over a history that is ten times as long: it must not cost more for what lies behind it."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from functools import partial

from benchmarks import commands
from benchmarks.database import Bench, bench
from benchmarks.harness import Measure, Result, inside, paired
from dashpipe.compile import compile_subject, emit
from dashpipe.run import encode, run_all
from dashpipe.run.base import Request, Setup
from dashpipe.run.connections import Connections, from_environment
from dashpipe.run.log import silent
from dashpipe.spec.model import Subject

END = date(2024, 12, 1)

SPEC = """\
dashpipe: 1
subject: {name}
description: Orders.
schedule: none
start: {start}
sources:
  - name: orders
    collection: {name}
    time: at
    fields: {{country: string, total: integer}}
    dimensions: [country]
dimensions: [country]
grains: [day, week]
metrics:
  - {{name: orders, source: orders, type: count}}
  - {{name: revenue, source: orders, type: sum, expr: total}}
{more}checks:
  - {{id: not-empty, type: row_count, fail: {{below: 1}}}}
"""
WINDOW = """\
  - {name: revenue_28d, type: cumulative, metric: revenue, window: 28 days}
  - {name: wow, type: derived, expr: revenue - last, inputs: [{metric: revenue, as: last, offset: 1 week}]}
"""
EVER = "  - {name: revenue_ever, type: cumulative, metric: revenue}\n"


def run(*, quick: bool) -> list[Result]:
    """Compare, for windows and for running totals of all time."""
    short, a_day = 40, 100 if quick else 500
    long = 10 * short
    commands.listen()
    with bench() as here:
        results = []
        for what, more, goal in (("windows and offsets", WINDOW, 1.1), ("totals of all time", EVER, None)):
            made = {}
            for name, days in (("short", short), ("long", long)):
                start = (END - timedelta(days=days)).isoformat()
                text = SPEC.format(name=name, start=start, more=more)
                made[name] = here.subjects({name: text})[name]
                _fill(here, name, days, a_day)
                here.run(made[name], END - timedelta(days=days), days)
                timed(here, made[name])  # the first daily run leaves a running state to the next
            one, other = (asked(here, made[name]) for name in ("long", "short"))
            looks = [_looks(here, made[name]) for name in ("long", "short")]
            results.append(
                paired(
                    f"a daily run over {long} days of history, beside {short}: {what}",
                    (f"{long} days", partial(timed, here, made["long"])),
                    (f"{short} days", partial(timed, here, made["short"])),
                    pairs=7 if quick else 15,
                    faster=False,
                    goal=goal,
                    about={
                        "documents a day": a_day,
                        "server": here.server.build,
                        "commands": f"{one.commands} beside {other.commands}",
                        "documents that their filters pass": f"{one.documents} beside {other.documents}",
                        "KiB over the wire": f"{one.bytes / 1024:.0f} beside {other.bytes / 1024:.0f}",
                        "ms in which this server counts documents, and those without a time": (
                            f"{looks[0]:.0f} beside {looks[1]:.0f}"
                        ),
                    },
                )
            )
            here.forget()
        return results


def _fill(here: Bench, name: str, days: int, a_day: int) -> None:
    collection = here.client["source"][name]
    collection.drop()
    collection.create_index("at")
    end = datetime(END.year, END.month, END.day, tzinfo=timezone.utc)
    for day in range(1, days + 1):
        at = end - timedelta(days=day)
        collection.insert_many(
            [
                {"at": at + timedelta(seconds=one), "country": "DEFR"[one % 2 * 2 :][:2], "total": one % 97}
                for one in range(a_day)
            ],
            ordered=False,
        )


def asked(here: Bench, subject: Subject) -> commands.Asked:
    """What the run of the morning after asks, whatever the server takes for it."""
    return commands.asked(lambda: timed(here, subject), lambda name: here.client[name])


def _looks(here: Bench, subject: Subject) -> float:
    """The milliseconds of the two questions about a whole source, which embedded servers read it for.

    The best of some tries.
    """
    collection = here.client["source"][subject.name]
    stages = encode.to_bson(emit.untimed_scan(compile_subject(subject), "orders"))

    def look() -> None:
        collection.estimated_document_count()
        list(collection.aggregate(stages))

    return min(1000 * inside(look).wall for _ in range(9))


def timed(here: Bench, subject: Subject) -> Measure:
    """The run that the schedule makes on the morning after."""
    uris = {
        "DASHPIPE_SOURCE_URI": here.server.database_uri("source"),
        "DASHPIPE_TARGET_URI": here.server.database_uri("target"),
    }
    connections = Connections(from_environment(uris))
    now = datetime(END.year, END.month, END.day, 3, tzinfo=timezone.utc)
    request = Request(subject=subject, run_id=f"command/{subject.id}-daily", kind="command", now=now)
    try:
        setup = Setup(connections, {}, (), silent)
        return inside(lambda: run_all(request, setup), here.server.pid)
    finally:
        connections.close()
