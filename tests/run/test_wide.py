"""A subject of two hundred metrics over three sources with a key of eight dimensions: one run, all right."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import Any

from dashpipe.run import run_all
from dashpipe.run.base import Request
from dashpipe.spec.model import Dimension, Field, Grain, Metric, Period, Source, Subject, Target, Time
from tests.run.world import World

Document = dict[str, Any]

KEY = tuple(f"d{at}" for at in range(8))
SOURCES = ("orders", "visits", "reviews")
NOON = datetime(2024, 4, 1, 12, tzinfo=timezone.utc)
#: Of each source: counts, sums, extremes and means under twenty-two different filters.
KINDS = ("sum", "count", "max")


def source(name: str) -> Source:
    """A source with eight dimensions."""
    fields = (Field("n", "integer"), *(Field(one, "string") for one in KEY))
    return Source(name, name, Time("at"), fields=fields, dimensions=tuple(Dimension(one) for one in KEY))


def metrics() -> tuple[Metric, ...]:
    """Two hundred metrics: 198 over the sources, a window, and a share."""
    made = [
        Metric(f"{name}_{kind}_{at}", kind, name, expr="n", where=f"n >= {at}")
        for name in SOURCES
        for kind in KINDS
        for at in range(22)
    ]
    rolling = Metric("rolling", "cumulative", metric="orders_sum_0", window=Period(2, "day"))
    share = Metric("share", "share", metric="visits_count_3", of=("d0",))
    return (*made, rolling, share)


SUBJECT = Subject(
    project="test",
    domain="wide",
    name="all",
    version=1,
    timezone="UTC",
    start="2024-04-01",
    sources=tuple(source(name) for name in SOURCES),
    metrics=metrics(),
    target=Target("wide_all"),
    dimensions=tuple(Dimension(one) for one in KEY),
    grains=(Grain.DAY, Grain.MONTH),
)


def documents(number: int) -> list[Document]:
    """Documents of two days, over a few keys."""
    return [
        {
            "_id": one,
            "at": NOON + timedelta(days=one % 2),
            "n": (one * 7 + number) % 25,
            **{name: f"{name}-{one % 3 if at else one % 2}" for at, name in enumerate(KEY)},
        }
        for one in range(120)
    ]


def test_every_value_of_every_row_is_right(either: World) -> None:
    """All rows of the days and of their month have the values that are counted by hand, on both routes."""
    held = {name: documents(at) for at, name in enumerate(SOURCES)}
    for name, some in held.items():
        either.fill(some, name)
    request = Request(
        SUBJECT,
        "command/wide",
        start=date(2024, 4, 1),
        end=date(2024, 4, 3),
        now=NOON + timedelta(days=40),
    )
    run_all(request, replace(either.setup), tries=1)
    for collection, months in (("wide_all", False), ("wide_all_month", True)):
        rows = {
            (one["partition_date"], *(one[name] for name in KEY)): one
            for one in either.target[collection].find()
        }
        wanted: dict[tuple[str, ...], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for name, some in held.items():
            for one in some:
                day = "2024-04-01" if months else one["at"].date().isoformat()
                wanted[(day, *(one[key] for key in KEY))][name].append(one["n"])
        assert rows.keys() == wanted.keys()
        for key, values in wanted.items():
            row = rows[key]
            for name in SOURCES:
                for at in range(22):
                    some = [n for n in values[name] if n >= at]
                    assert row[f"{name}_sum_{at}"] == sum(some)
                    assert row[f"{name}_count_{at}"] == len(some)
                    assert row[f"{name}_max_{at}"] == max(some, default=None)
            whole = sum(
                sum(n >= 3 for n in one["visits"]) for other, one in wanted.items() if other[:2] == key[:2]
            )
            part = sum(n >= 3 for n in values["visits"])
            assert row["share"] == (part / whole if whole else None)
        if not months:
            for key, values in wanted.items():
                before = wanted.get(("2024-04-01", *key[1:]), {}) if key[0] == "2024-04-02" else {}
                assert rows[key]["rolling"] == sum(values["orders"]) + sum(before.get("orders", []))
