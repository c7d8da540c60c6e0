"""Whole runs of metrics that reach back: in any pieces and order, with late documents, the same rows."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashpipe.compile import compile_subject, partition
from dashpipe.spec.model import Dimension, Field, Grain, Lookup, Metric, Subject
from tests.differential import runs
from tests.differential.reaching import Document, Walk
from tests.differential.subjects import Case
from tests.differential.test_reach import WHERES, cases, period, same
from tests.run.world import SUBJECT, World, count, total

pytestmark = pytest.mark.differential

FEW = max(2, settings().max_examples // 5)


@pytest.fixture(scope="module")
def worlds(mongo_uri: str, second_uri: str) -> Iterator[dict[str, World]]:
    """A world for each route, shared by all cases: each leaves it empty."""
    with ExitStack() as stack:
        others = {"server": None, "cursor": second_uri}
        name = f"reach_runs_{os.getpid()}"
        yield {
            route: stack.enter_context(runs.opened(mongo_uri, f"{name}_{route}", other))
            for route, other in others.items()
        }


@st.composite
def histories(draw: Any) -> tuple[Case, list[Document], list[tuple[date, date]]]:
    """A case, the documents that come late, and pieces of its days in any order."""
    subject, documents, days = draw(cases())
    first = max(days[0] - timedelta(days=draw(st.sampled_from([0, 1, 5]))), date.fromisoformat(subject.start))
    last = days[-1]
    zone = partition.zone(subject.timezone)
    inside = [one for one in documents if first <= one["at"].astimezone(zone).date() <= last]
    late = [one for one in inside if draw(st.booleans())]
    cuts = sorted(draw(st.sets(st.integers(1, (last - first).days or 1), max_size=3)))
    edges = [first, *(first + timedelta(days=one) for one in cuts), last + timedelta(days=1)]
    pieces = [(a, b) for a, b in itertools.pairwise(edges) if a < b]
    after = datetime(last.year, last.month, last.day, 23, tzinfo=timezone.utc)
    as_of = after + timedelta(days=draw(st.sampled_from([1, 40])))
    case = Case(subject, {"docs": documents}, (first, last + timedelta(days=1)), as_of)
    return case, late, draw(st.permutations(pieces))


def check(world: World, case: Case) -> None:
    """The published rows of every grain are exactly those of the walk."""
    subject = case.subject
    truth = Walk(subject, case.documents["docs"], WHERES, case.as_of)
    days = [case.days[0] + timedelta(days=at) for at in range((case.days[1] - case.days[0]).days)]
    key = [one.name for one in subject.key]
    for grain in subject.grains:
        wanted = truth.rows(grain, days)
        found = runs.published(world, subject, grain)
        rows = {(date.fromisoformat(one["partition_date"]), *(one[k] for k in key)): one for one in found}
        assert rows.keys() == wanted.keys(), grain
        for at, row in rows.items():
            for name, value in wanted[at].items():
                assert same(row[name], value), (grain, at, name, row[name], value)


def _told(subject: Subject) -> bool:
    """Whether states and kept values of the finest grain tell all that changed: of whole days."""
    plan = compile_subject(subject)
    leaves = [leaf for source in plan.sources for leaf in source.leaves if leaf.options.daily is None]
    reaching = [leaf for leaf in leaves if leaf.frame.reaches]
    ids = {leaf.id for leaf in plan.kept_of("docs")}
    tells = (one.merges or one.base in ids for one in reaching)
    return all(tells) and (plan.grains[0] is Grain.DAY or not any(one.frame.runs for one in reaching))


@settings(max_examples=FEW)
@given(history=histories(), route=st.sampled_from(["server", "server", "cursor"]))
def test_pieces_in_any_order_equal_the_whole(
    worlds: dict[str, World], history: tuple[Case, list[Document], list[tuple[date, date]]], route: str
) -> None:
    """Late documents count wherever they are read once their pieces were run again; then nothing changes."""
    case, late, pieces = history
    world, zone = worlds[route], partition.zone(case.subject.timezone)
    ids = {one["_id"] for one in late}
    early = [one for one in case.documents["docs"] if one["_id"] not in ids]
    with runs.loaded(world, {"docs": early}):
        for piece in pieces:
            runs.run(world, case, days=piece)
        check(world, replace(case, documents={"docs": early}))
        if late:
            world.source["docs"].insert_many(late)
        touched = {one["at"].astimezone(zone).date() for one in late}
        for start, end in reversed(pieces):
            if any(start <= day < end for day in touched):
                runs.run(world, case, days=(start, end))
        check(world, case)
        again = runs.run(world, case, days=pieces[0])["steps"]
        for counts in again["load"]["counts"].values():
            assert (counts["inserted"], counts["changed"], counts["removed"]) == (0, 0, 0)
        if _told(case.subject):
            assert not any(again["transform"]["dependants"].values())


def test_a_restated_day_restates_what_reads_it_and_no_more(worlds: dict[str, World]) -> None:
    """Of a window of three days, the day and the two after it are written again; the others are not read."""
    subject = replace(
        SUBJECT,
        metrics=(count("orders"), Metric("three", "cumulative", metric="orders", window=period("3 day"))),
        grains=(Grain.DAY,),
    )
    world = worlds["server"]
    documents = [
        {"_id": day, "at": datetime(2024, 4, day, 12, tzinfo=timezone.utc), "country": "DE"}
        for day in range(1, 11)
    ]
    as_of = datetime(2024, 4, 20, tzinfo=timezone.utc)
    case = Case(subject, {"orders": documents}, (date(2024, 4, 1), date(2024, 4, 11)), as_of)
    with runs.loaded(world, case.documents):
        runs.run(world, case)
        new = {"_id": 99, "at": datetime(2024, 4, 4, 9, tzinfo=timezone.utc), "country": "DE"}
        world.source["orders"].insert_one(new)
        receipt = runs.run(world, case, days=(date(2024, 4, 4), date(2024, 4, 5)))["steps"]
        assert receipt["transform"]["dependants"] == {"day": 2}
        assert receipt["load"]["counts"]["day"]["changed"] == 3
        rows = {one["partition_date"][8:]: one["three"] for one in runs.published(world, subject, Grain.DAY)}
        assert [rows[f"{day:02}"] for day in range(1, 9)] == [1, 2, 3, 4, 4, 4, 3, 3]


@pytest.mark.parametrize(("carry", "more"), [(period("2 day"), 2), ("always", 6)])
def test_what_is_carried_from_a_restated_day_is_written_again(
    worlds: dict[str, World], carry: Any, more: int
) -> None:
    """A late last value of a day reaches the days that it is carried to, and no row is added."""
    metrics = (count("orders"), Metric("newest", "last", "orders", expr="n", carry=carry))
    subject = replace(SUBJECT, metrics=metrics, grains=(Grain.DAY,))
    world = worlds["server"]
    documents = [
        {"_id": day, "at": datetime(2024, 4, day, 12, tzinfo=timezone.utc), "country": "DE", "n": None}
        for day in range(1, 11)
    ]
    documents[0]["n"] = 5
    as_of = datetime(2024, 4, 20, tzinfo=timezone.utc)
    case = Case(subject, {"orders": documents}, (date(2024, 4, 1), date(2024, 4, 12)), as_of)
    with runs.loaded(world, case.documents):
        runs.run(world, case)
        new = {"_id": 99, "at": datetime(2024, 4, 4, 9, tzinfo=timezone.utc), "country": "DE", "n": 7}
        world.source["orders"].insert_one(new)
        receipt = runs.run(world, case, days=(date(2024, 4, 4), date(2024, 4, 5)))["steps"]
        assert receipt["transform"]["dependants"] == {"day": more if more == 2 else 7}
        assert receipt["load"]["counts"]["day"]["changed"] == 1 + more
        rows = {one["partition_date"]: one["newest"] for one in runs.published(world, subject, Grain.DAY)}
        wanted = [5, 5, 5, 7, 7, 7] if more == 2 else [5, 5, 5, 7, 7, 7, 7, 7, 7, 7]
        assert [rows[day] for day in sorted(rows)] == wanted + [None] * (10 - len(wanted))


OPENING = Metric("it", "first", "orders", expr="n", carry=period("1 month"))
LARGE = Metric("large", "sum", "orders", expr="n", where="n > 10", hidden=True)
OF_ONE = Metric("it", "cumulative", metric="large", window=period("2 month"), where="x = 1")


@pytest.mark.parametrize(
    ("metrics", "change", "before", "after"),
    [((OPENING,), {"n": 30}, [5, 20], [5, 30]), ((LARGE, OF_ONE), {"x": 1.0}, [0, 0], [20, 20])],
)
def test_a_changed_value_is_seen_where_only_the_reach_reads_it(
    worlds: dict[str, World],
    metrics: tuple[Metric, ...],
    change: Document,
    before: list[int],
    after: list[int],
) -> None:
    """A document of March changes in what no metric of March shows: the row of April is written again."""
    subject = replace(SUBJECT, metrics=metrics, grains=(Grain.MONTH,))
    world = worlds["server"]
    documents: list[Document] = [
        {"_id": 1, "at": datetime(2024, 3, 5, tzinfo=timezone.utc), "country": "DE", "n": 5},
        {"_id": 2, "at": datetime(2024, 3, 9, tzinfo=timezone.utc), "country": "DE", "n": 20, "x": 0.0},
        {"_id": 3, "at": datetime(2024, 4, 5, tzinfo=timezone.utc), "country": "DE", "n": None},
    ]
    days = (date(2024, 3, 1), date(2024, 5, 1))
    case = Case(subject, {"orders": documents}, days, datetime(2024, 6, 1, tzinfo=timezone.utc))

    def months() -> list[Any]:
        rows = runs.published(world, subject, Grain.MONTH)
        return [one["it"] for one in sorted(rows, key=lambda one: str(one["partition_date"]))]

    with runs.loaded(world, case.documents):
        runs.run(world, case)
        assert months() == before
        world.source["orders"].update_one({"_id": 2}, {"$set": change})
        done = runs.run(world, case, days=(date(2024, 3, 1), date(2024, 4, 1)))["steps"]
        assert done["transform"]["dependants"] == {"month": 1}
        assert months() == after


def test_a_month_that_is_not_over_runs_back_from_today(worlds: dict[str, World]) -> None:
    """Its last three days are those up to the run's own day, and up to its last one once it is over."""
    subject = replace(
        SUBJECT,
        metrics=(count("orders"), Metric("three", "cumulative", metric="orders", window=period("3 day"))),
        grains=(Grain.DAY, Grain.MONTH),
    )
    world = worlds["server"]
    documents = [
        {"_id": day, "at": datetime(2024, 4, day, 12, tzinfo=timezone.utc), "country": "DE"}
        for day in range(1, 31)
    ]
    days = (date(2024, 4, 1), date(2024, 5, 1))
    case = Case(subject, {"orders": documents[:10]}, days, datetime(2024, 4, 10, 18, tzinfo=timezone.utc))
    with runs.loaded(world, case.documents):
        runs.run(world, case)
        (month,) = runs.published(world, subject, Grain.MONTH)
        assert (month["orders"], month["three"], month["complete"]) == (10, 3, False)
        world.source["orders"].insert_many(documents[10:])
        runs.run(world, replace(case, as_of=datetime(2024, 5, 20, tzinfo=timezone.utc)))
        (month,) = runs.published(world, subject, Grain.MONTH)
        assert (month["orders"], month["three"], month["complete"]) == (30, 3, True)


def test_a_document_that_moves_within_a_week_is_seen_by_the_windows_that_begin_there(
    worlds: dict[str, World],
) -> None:
    """Weeks keep no states of days: the week after, whose ten days begin in this one, is written again."""
    ten = Metric("ten", "cumulative", metric="orders", window=period("10 day"))
    subject = replace(SUBJECT, metrics=(count("orders"), ten), grains=(Grain.WEEK,))
    world = worlds["server"]
    documents: list[Document] = [
        {"_id": 1, "at": datetime(2024, 4, 1, 12, tzinfo=timezone.utc), "country": "DE"},
        {"_id": 2, "at": datetime(2024, 4, 9, 12, tzinfo=timezone.utc), "country": "DE"},
    ]
    days = (date(2024, 4, 1), date(2024, 4, 15))
    case = Case(subject, {"orders": documents}, days, datetime(2024, 5, 1, tzinfo=timezone.utc))

    def weeks() -> list[int]:
        rows = runs.published(world, subject, Grain.WEEK)
        return [one["ten"] for one in sorted(rows, key=lambda one: str(one["partition_date"]))]

    with runs.loaded(world, case.documents):
        runs.run(world, case)
        assert weeks() == [1, 1]
        moved = {"at": datetime(2024, 4, 6, 12, tzinfo=timezone.utc)}  # from Monday to Saturday
        world.source["orders"].update_one({"_id": 1}, {"$set": moved})
        runs.run(world, case, days=(date(2024, 4, 1), date(2024, 4, 8)))
        assert weeks() == [1, 2]


@pytest.mark.parametrize("route", ["server", "cursor"])
def test_a_restated_day_restates_the_averages_of_days_that_read_it(
    worlds: dict[str, World], route: str
) -> None:
    """All time: its own month and those after it; of a month that is not over, the days that have begun."""
    made = [
        Metric(f"{agg}_{of}", "cumulative", metric=of, period_agg=agg)
        for of in ("orders", "mean")
        for agg in ("average", "min", "max")
    ]
    mean = Metric("mean", "avg", "orders", expr="n")
    subject = replace(SUBJECT, metrics=(count("orders"), mean, *made), grains=(Grain.DAY, Grain.MONTH))
    world = worlds[route]

    def order(number: int, month: int, day: int, n: float | None) -> Document:
        at = datetime(2024, month, day, 12, tzinfo=timezone.utc)
        return {"_id": number, "at": at, "country": "DE", "n": n}

    documents = [order(1, 1, 31, 2.0), order(2, 2, 29, None), order(3, 3, 1, 4.0)]
    days = (date(2024, 1, 1), date(2024, 3, 11))
    case = Case(subject, {"orders": documents}, days, datetime(2024, 3, 10, 18, tzinfo=timezone.utc))
    names = [one.name for one in made]

    def months() -> list[list[Any]]:
        rows = runs.published(world, subject, Grain.MONTH)
        return [[one[name] for name in names] for one in sorted(rows, key=lambda one: one["partition_date"])]

    with runs.loaded(world, case.documents):
        runs.run(world, case)
        assert months() == [
            [1 / 31, 0, 1, 2.0, 2.0, 2.0],
            [30 / 29, 1, 2, 2.0, 2.0, 2.0],
            [3.0, 3, 3, 3.0, 3.0, 3.0],
        ]
        world.source["orders"].insert_one(order(4, 1, 16, 9.0))
        receipt = runs.run(world, case, days=(date(2024, 1, 16), date(2024, 1, 17)))["steps"]
        assert receipt["transform"]["dependants"] == {"day": 54, "month": 2}
        assert months() == [
            [17 / 31, 0, 2, (15 * 9 + 5.5) / 16, 5.5, 9.0],
            [59 / 29, 2, 3, 5.5, 5.5, 5.5],
            [4.0, 4, 4, 5.0, 5.0, 5.0],
        ]


def test_only_keys_of_rows_are_looked_up(worlds: dict[str, World]) -> None:
    """A key that a window alone brings is no row: that it stands twice where it is looked up harms no run."""
    label = Dimension("label", lookup=Lookup("names", "country", "code", "label"))
    subject = replace(
        SUBJECT,
        metrics=(count("orders"), Metric("three", "cumulative", metric="orders", window=period("3 day"))),
        dimensions=(*SUBJECT.dimensions, label),
        grains=(Grain.DAY,),
    )
    world = worlds["server"]
    documents = [
        {"_id": day, "at": datetime(2024, 4, day, 12, tzinfo=timezone.utc), "country": country}
        for day, country in ((1, "DE"), (2, "FR"))
    ]
    names = [{"code": "DE", "label": one} for one in "ab"] + [{"code": "FR", "label": "France"}]
    days = (date(2024, 4, 2), date(2024, 4, 3))
    case = Case(
        subject, {"orders": documents, "names": names}, days, datetime(2024, 5, 1, tzinfo=timezone.utc)
    )
    with runs.loaded(world, case.documents):
        done = runs.run(world, case)["steps"]["transform"]
        assert done["lookups"]["label"]["keys"] == 1
        (row,) = runs.published(world, subject, Grain.DAY)
        assert (row["country"], row["label"], row["three"]) == ("FR", "France", 1)


def test_of_what_is_stored_again_each_day_has_its_newest(worlds: dict[str, World]) -> None:
    """A window over a source with `unique` sums what each of its days counts."""
    (source,) = SUBJECT.sources
    subject = replace(
        SUBJECT,
        sources=(replace(source, unique=("code",), fields=(*source.fields, Field("code", "integer"))),),
        metrics=(total("items", "n"), Metric("two", "cumulative", metric="items", window=period("2 day"))),
        grains=(Grain.DAY,),
    )
    world = worlds["server"]
    stored = [(1, 9, 1, 10), (1, 15, 1, 2), (1, 12, 2, 4), (2, 8, 1, 5), (2, 8, 3, None), (3, 9, 4, 1)]
    documents = [
        {
            "_id": at,
            "at": datetime(2024, 4, day, hour, tzinfo=timezone.utc),
            "country": "DE",
            "code": code,
            "n": n,
        }
        for at, (day, hour, code, n) in enumerate(stored)
    ]
    days = (date(2024, 4, 1), date(2024, 4, 4))
    case = Case(subject, {"orders": documents}, days, datetime(2024, 5, 1, tzinfo=timezone.utc))
    with runs.loaded(world, case.documents):
        runs.run(world, case)
        rows = {one["partition_date"][8:]: one for one in runs.published(world, subject, Grain.DAY)}
        assert [rows[day]["items"] for day in ("01", "02", "03")] == [6, 5, 1]
        assert [rows[day]["two"] for day in ("01", "02", "03")] == [6, 11, 6]
