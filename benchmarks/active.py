"""Who came in the last 28 days, on a daily run: from the values that its days keep, or from the source."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from functools import partial

from benchmarks.database import Bench, bench
from benchmarks.harness import Result, paired
from benchmarks.history import END, timed

SPEC = """\
dashpipe: 1
subject: {name}
description: Students.
schedule: none
start: {start}
catch_up_days: 1
sources:
  - name: lessons
    collection: lessons
    time: at
    fields: {{course: string, student: string}}
    dimensions: [course]
{more}dimensions: [course]
grains: [day, week]
metrics:
  - {{name: students, source: lessons, type: count_distinct, expr: student}}
  - {{name: students_28d, type: cumulative, metric: students, window: 28 days}}
target:
  queries: []
checks:
  - {{id: not-empty, type: row_count, fail: {{below: 1}}}}
"""


def run(*, quick: bool) -> list[Result]:
    """Compare daily runs of the two, for students who come once a day and for such who come ten times."""
    days, students = 30, 100 if quick else 1_000
    start = END - timedelta(days=days)
    results = []
    with bench() as here:
        for lessons in (1, 10):
            _fill(here, days, students, lessons)
            made = {}
            # Of the source, days of before need not have been computed: it is read over all of them anyway.
            for name, more, back in (("kept", "    incremental: true\n", days), ("source", "", 1)):
                text = SPEC.format(name=f"{name}_{lessons}", start=start.isoformat(), more=more)
                (made[name],) = here.subjects({name: text}).values()
                here.run(made[name], END - timedelta(days=back), back)
            results.append(
                paired(
                    f"a daily run of a 28-day distinct, {lessons} documents a value and day",
                    ("from kept values", partial(timed, here, made["kept"])),
                    ("from the source", partial(timed, here, made["source"])),
                    pairs=1 if quick else 5,
                    about={"documents a day": students * lessons, "server": here.server.build},
                )
            )
            here.forget()
    return results


def _fill(here: Bench, days: int, students: int, lessons: int) -> None:
    """On each day the same number of students, half of whom came on the day before too."""
    collection = here.client["source"]["lessons"]
    collection.drop()
    collection.create_index("at")
    for day in range(1, days + 1):
        at = _noon(END - timedelta(days=day))
        collection.insert_many(
            [
                {"at": at, "course": "ab"[one % 2], "student": f"s{day * students // 2 + one:07d}"}
                for one in range(students)
                for _ in range(lessons)
            ],
            ordered=False,
        )


def _noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=timezone.utc)
