"""Retention, in whole runs on one cluster and on two, in pieces and with late documents, equals a walk."""

from __future__ import annotations

import itertools
import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashpipe.compile import compile_subject, partition
from dashpipe.spec.model import WEEKDAYS, Dimension, Field, Grain, Metric, Source, Subject, Target, Time
from tests.compile.calendars import by_weeks, fiscals
from tests.differential import runs
from tests.differential.reaching import first_day, last_day
from tests.differential.subjects import Case
from tests.run.world import World

pytestmark = pytest.mark.differential

Document = dict[str, Any]

FEW = max(3, settings().max_examples // 10)
UTC = timezone.utc
#: A clock change, a leap day, a new year.
DAYS = (date(2024, 3, 30), date(2024, 2, 28), date(2023, 12, 31))
GRAINS = ((Grain.DAY,), (Grain.DAY, Grain.MONTH), (Grain.WEEK,), (Grain.DAY, Grain.WEEK, Grain.MONTH))
GRAINS += ((Grain.DAY, Grain.FISCAL_MONTH),)
TESTS = {None: lambda _: True, "n > 1": lambda one: one["n"] > 1, "n < 3": lambda one: one["n"] < 3}


@pytest.fixture(scope="module")
def worlds(mongo_uri: str, second_uri: str) -> Iterator[dict[str, World]]:
    """A world for each route, shared by all cases: each leaves it empty."""
    with ExitStack() as stack:
        others = {"server": None, "cursor": second_uri}
        name = f"retention_{os.getpid()}"
        yield {
            route: stack.enter_context(runs.opened(mongo_uri, f"{name}_{route}", other))
            for route, other in others.items()
        }


def retention(name: str, period: Grain, periods: int, where: str | None = None) -> Metric:
    """Who comes back."""
    return Metric(
        name,
        "retention",
        "docs",
        entity="who",
        period=period,
        periods=periods,
        where=where,
        grains=(period,),
    )


def subject_of(
    tz: str, start: date, grains: tuple[Grain, ...], metrics: tuple[Metric, ...], **keys: Any
) -> Subject:
    """A subject over one source of visits, by page or not."""
    key, where = keys.get("key", ()), keys.get("where")
    fields = (Field("who", "string"), Field("n", "integer"), Field("page", "string"))
    dimensions = tuple(Dimension(one) for one in key)
    return Subject(
        project="test",
        domain="diff",
        name="retention",
        version=1,
        timezone=tz,
        start=start.isoformat(),
        sources=(Source("docs", "docs", Time("at"), where=where, fields=fields, dimensions=dimensions),),
        metrics=metrics,
        target=Target("retention"),
        dimensions=dimensions,
        grains=grains,
    )


@st.composite
def histories(draw: Any) -> tuple[Case, list[Document], list[tuple[date, date]]]:
    """A case, the documents that come late, and pieces of its days in any order."""
    day, tz = draw(st.sampled_from(DAYS)), draw(st.sampled_from(["Europe/London", "Asia/Kathmandu"]))
    grains = draw(st.sampled_from(GRAINS))
    metrics = [Metric("visits", "count", "docs"), Metric("all", "cumulative", metric="visits")]
    for at, period in enumerate(draw(st.lists(st.sampled_from(grains), min_size=1, max_size=2))):
        where = draw(st.sampled_from(list(TESTS)))
        metrics.append(retention(f"back_{at}", period, draw(st.integers(1, 4)), where))
    key = tuple(draw(st.lists(st.just("page"), max_size=1)))
    start = day - timedelta(days=draw(st.sampled_from([0, 3, 40])))
    where = draw(st.sampled_from([None, None, "n > 1"]))
    subject = subject_of(tz, start, grains, tuple(metrics), key=key, where=where)
    subject = replace(subject, week_start=draw(st.sampled_from(WEEKDAYS)), fiscal=draw(fiscals))
    zone = ZoneInfo(tz)
    documents = []
    for number in range(draw(st.integers(0, 25))):
        local = day + timedelta(days=draw(st.sampled_from([-70, -31, -8, -1, 0, 0, 1, 2, 3, 4, 8, 33])))
        at = datetime(local.year, local.month, local.day, draw(st.sampled_from([0, 1, 12, 23])), tzinfo=zone)
        documents.append(
            {
                "_id": number,
                "at": at.astimezone(UTC),
                "who": draw(st.sampled_from(["ann", "bob", "cas", None])),
                "n": draw(st.integers(1, 3)),
                **{one: draw(st.sampled_from(["a", "b", None])) for one in key},
            }
        )
    first, last = max(start, day - timedelta(days=1)), day + timedelta(days=draw(st.integers(1, 4)))
    edges = sorted({first, *draw(st.lists(st.dates(first, last), max_size=2)), last + timedelta(days=1)})
    late = [
        one for one in documents if first <= one["at"].astimezone(zone).date() <= last and draw(st.booleans())
    ]
    end = datetime(last.year, last.month, last.day, 23, tzinfo=UTC)
    as_of = end + timedelta(days=draw(st.sampled_from([0, 2, 40, 400])))
    case = Case(subject, {"docs": documents}, (first, last + timedelta(days=1)), as_of)
    return case, late, draw(st.permutations(list(itertools.pairwise(edges))))


def truth(case: Case, metric: Metric) -> dict[tuple[date, Any], list[float | None]]:
    """The lists of all cohorts, by the first day of their period and the page."""
    calendar, zone = case.subject.calendar, ZoneInfo(case.subject.timezone)
    assert metric.period is not None
    seen: dict[tuple[Any, str], set[date]] = defaultdict(set)
    again: dict[tuple[Any, str], set[date]] = defaultdict(set)
    for one in case.documents["docs"]:
        if one["who"] is not None and TESTS[case.subject.sources[0].where](one):
            who = (one.get("page"), one["who"])
            first = first_day(metric.period, one["at"].astimezone(zone).date(), calendar)
            seen[who].add(first)
            if TESTS[metric.where](one):
                again[who].add(first)
    lists: dict[tuple[date, Any], list[float | None]] = {}
    for first, page in {(min(days), page) for (page, _), days in seen.items()}:
        cohort = [who for who, days in seen.items() if min(days) == first and who[0] == page]
        period, made = first, []
        for _ in range((metric.periods or 0) + 1):
            begins = datetime(period.year, period.month, period.day, tzinfo=zone)
            share = sum(period in again[who] for who in cohort) / len(cohort)
            made.append(share if begins.astimezone(UTC) < case.as_of else None)
            period = last_day(metric.period, period, calendar) + timedelta(days=1)
        lists[first, page] = made
    return lists


def check(world: World, case: Case) -> None:
    """All published lists are those of the walk, and every cohort of the days has its row."""
    for metric in case.subject.metrics:
        if metric.type != "retention":
            continue
        wanted = truth(case, metric)
        assert metric.period is not None
        rows = runs.published(world, case.subject, metric.period)
        for row in rows:
            at = (date.fromisoformat(row["partition_date"]), row.get("page"))
            assert row[metric.name] == wanted.get(at), (metric, at)
        there = {(row["partition_date"], row.get("page")) for row in rows}
        first, last = case.days[0], case.days[1] - timedelta(days=1)
        ends = [first_day(metric.period, one, case.subject.calendar) for one in (first, last)]
        for begins, page in wanted:
            assert not ends[0] <= begins <= ends[1] or (begins.isoformat(), page) in there


@settings(max_examples=FEW)
@given(history=histories(), route=st.sampled_from(["server", "server", "cursor"]))
def test_pieces_in_any_order_equal_a_walk(
    worlds: dict[str, World], history: tuple[Case, list[Document], list[tuple[date, date]]], route: str
) -> None:
    """Late documents move entities between cohorts once their pieces were run again; then nothing changes."""
    case, late, pieces = history
    world, zone = worlds[route], partition.zone(case.subject.timezone)
    early = [one for one in case.documents["docs"] if one not in late]
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
        counts = runs.run(world, case, days=pieces[0])["steps"]["load"]["counts"]
        assert all(one["changed"] == one["inserted"] == one["removed"] == 0 for one in counts.values())


def test_a_later_month_is_written_into_the_rows_of_its_cohorts(worlds: dict[str, World]) -> None:
    """A run of May writes the rows of March and April anew, not that of January; what is ahead is null."""
    subject = subject_of(
        "UTC",
        date(2024, 1, 1),
        (Grain.DAY, Grain.MONTH),
        (Metric("visits", "count", "docs"), retention("back", Grain.MONTH, 2)),
    )
    visits = [(1, "ann"), (3, "bob"), (3, "cas"), (4, "bob"), (4, "dan"), (5, "cas"), (5, "dan"), (5, "ann")]
    documents = [
        {"_id": at, "at": datetime(2024, month, 9, tzinfo=UTC), "who": who, "n": 1}
        for at, (month, who) in enumerate(visits)
    ]
    world = worlds["server"]
    case = Case(
        subject,
        {"docs": documents[:5]},
        (date(2024, 1, 1), date(2024, 5, 1)),
        datetime(2024, 4, 20, tzinfo=UTC),
    )
    with runs.loaded(world, case.documents):
        runs.run(world, case)
        lists = {one["partition_date"]: one["back"] for one in runs.published(world, subject, Grain.MONTH)}
        assert lists == {
            "2024-01-01": [1, 0, 0],
            "2024-02-01": None,
            "2024-03-01": [1, 0.5, None],
            "2024-04-01": [1, None, None],
        }
        world.source["docs"].insert_many(documents[5:])
        later = replace(case, as_of=datetime(2024, 5, 20, tzinfo=UTC))
        done = runs.run(world, later, days=(date(2024, 5, 1), date(2024, 5, 20)))["steps"]
        assert done["transform"]["dependants"]["month"] == 2
        lists = {one["partition_date"]: one["back"] for one in runs.published(world, subject, Grain.MONTH)}
        assert lists == {
            "2024-01-01": [1, 0, 0],
            "2024-02-01": None,
            "2024-03-01": [1, 0.5, 0.5],
            "2024-04-01": [1, 1, None],
            "2024-05-01": None,
        }


def test_an_older_first_document_moves_an_entity(worlds: dict[str, World]) -> None:
    """Who turns out to have come before is new there, and no longer new in the later row."""
    subject = subject_of("UTC", date(2024, 1, 1), (Grain.MONTH,), (retention("back", Grain.MONTH, 1),))
    documents = [{"_id": 1, "at": datetime(2024, 4, 9, tzinfo=UTC), "who": "ann", "n": 1}]
    days = (date(2024, 1, 1), date(2024, 6, 1))
    case = Case(subject, {"docs": documents}, days, datetime(2024, 8, 1, tzinfo=UTC))
    world = worlds["server"]
    with runs.loaded(world, case.documents):
        runs.run(world, case)
        assert _lists(world, subject) == [None, None, None, [1, 0], None]
        world.source["docs"].insert_one({**documents[0], "_id": 2, "at": datetime(2024, 1, 9, tzinfo=UTC)})
        runs.run(world, case, days=(date(2024, 1, 1), date(2024, 2, 1)))
        assert _lists(world, subject) == [[1, 0], None, None, None, None]


@pytest.mark.parametrize("unique", [(), ("n",)])
def test_what_comes_long_before_or_after_is_of_its_own_fiscal_period(
    worlds: dict[str, World], unique: tuple[str, ...]
) -> None:
    """Of a calendar file, periods are told apart that no partition of the run is next to.

    With `unique`, the newest document of a period long ago does not take the place of one before it.
    """
    metric = retention("back", Grain.FISCAL_MONTH, 3)
    subject = subject_of("UTC", date(2024, 1, 1), (Grain.FISCAL_MONTH,), (metric,))
    (source,) = subject.sources
    fiscal = by_weeks((4, 4, 5), 12, 6, 0)
    subject = replace(subject, fiscal=fiscal, sources=(replace(source, unique=unique),))
    month = [datetime.fromisoformat(f"{one}T12:00:00+00:00") for one in fiscal.days if one > "2023-06"]
    met = [(9, "ann"), (12, "ann"), (9, "bob"), (10, "bob"), (8, "cas"), (9, "cas"), (9, "dan")]
    met += [(0, "dan"), (1, "eve")]
    documents = [
        {"_id": at, "at": month[of], "who": who, "n": min(at, 7)} for at, (of, who) in enumerate(met)
    ]
    days = (month[9].date(), month[10].date())
    case = Case(subject, {"docs": documents}, days, datetime(2025, 1, 1, tzinfo=UTC))
    world = worlds["server"]
    with runs.loaded(world, case.documents):
        runs.run(world, case)
        (row,) = runs.published(world, subject, Grain.FISCAL_MONTH)
        assert row["back"] == [1, 0.5, 0, 0.5]
        check(world, case)


def daily(kind: str = "date") -> Case:
    """Nine days from the start on, and some documents before it, right before and after midnights."""
    zone, start = ZoneInfo("Asia/Kathmandu"), date(2024, 3, 4)
    metrics = (
        Metric("visits", "count", "docs"),
        retention("back", Grain.DAY, 2),
        retention("weekly", Grain.WEEK, 1, "n > 1"),
    )
    subject = subject_of("Asia/Kathmandu", start, (Grain.DAY, Grain.WEEK), metrics, key=("page",))
    (source,) = subject.sources
    subject = replace(subject, sources=(replace(source, time=Time("stored", kind)),))
    documents: list[Document] = []
    for at, day in enumerate(start + timedelta(days=n) for n in (-40, *range(13))):
        for clock in ("00:00:00.000", "23:59:59.999"):
            instant = datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=zone)
            number = len(documents)
            documents.append({"_id": number, "at": instant.astimezone(UTC), "stored": _stored(kind, instant)})
            documents[-1] |= {"who": f"w{number * number % (at + 3)}", "n": number % 3, "page": "ab"[at % 2]}
    return Case(
        subject, {"docs": documents}, (start, date(2024, 3, 13)), datetime(2024, 3, 12, 20, tzinfo=UTC)
    )


def after(case: Case, later: int) -> Case:
    """The case as of the evening of a later day, of that day alone."""
    day = case.days[1] + timedelta(days=later)
    now = datetime(day.year, day.month, day.day, 20, tzinfo=UTC)
    return replace(case, as_of=now, days=(day, day + timedelta(days=1)))


def test_daily_runs_go_on_from_first_days(worlds: dict[str, World]) -> None:
    """Of text, too, whose filter is wider, what lies right before and after midnight is of its local day.

    One state serves the weeks and the days; a metric that comes later takes it as it stands.
    """
    world, case = worlds["server"], daily("iso")
    with runs.loaded(world, case.documents):
        runs.run(world, case)
        check(world, case)
        gens = set()
        for later in range(3):
            now = after(case, later)
            if later > 0:
                more = (*case.subject.metrics, retention("later", Grain.DAY, 1, "n < 3"))
                now = replace(now, subject=replace(now.subject, metrics=more))
            runs.run(world, now)
            check(world, replace(now, subject=case.subject))
            gens.update(gens_of(world))
        assert len(gens) == 1
        check_first_days(world, case)
        newest = [one for one in runs.published(world, case.subject, Grain.DAY) if "later" in one]
        wanted = truth(now, now.subject.metrics[-1])
        assert len(newest) > 1
        for row in newest:
            at = (date.fromisoformat(row["partition_date"]), row["page"])
            assert row["later"] == wanted.get(at), at


def gens_of(world: World) -> list[int]:
    """The generations of first days that there are."""
    found: list[int] = world.target["retention__state"].distinct("gen", {"source": {"$regex": "entities"}})
    return found


def check_first_days(world: World, case: Case) -> None:
    """What is kept is the first day of each who and page, of the days from the start to the state's alone."""
    (one,) = world.target["retention__state"].find({"_id": {"$regex": "^stamp.*entities"}})
    reach, zone, wanted = one["stamp"]["reach"], ZoneInfo(case.subject.timezone), dict[tuple[str, str], str]()
    for one in sorted(case.documents["docs"], key=lambda one: one["at"]):
        day = one["at"].astimezone(zone).date().isoformat()
        if case.subject.start <= day <= reach:
            wanted.setdefault((one["who"], one["page"]), day)
    found = world.target["retention__state"].find({"b": {"$exists": True}})
    assert {(one["b"]["e"], one["b"]["k0"]): one["s"] for one in found} == wanted
    assert wanted


def _stored(kind: str, instant: datetime) -> Any:
    """An instant as a source may store it; text in a zone whose day is another."""
    if kind == "date":
        return instant.astimezone(UTC)
    return instant.astimezone(timezone(timedelta(hours=-11))).isoformat(timespec="milliseconds")


def test_where_the_newest_of_a_month_counts_no_first_days_are_kept() -> None:
    """With `unique`, days do not tell who is new in a month; of days themselves they do."""
    metrics = (retention("back", Grain.DAY, 1), retention("monthly", Grain.MONTH, 1))
    subject = subject_of("UTC", date(2024, 1, 1), (Grain.DAY, Grain.MONTH), metrics)
    (source,) = subject.sources
    unique = replace(source, unique=("n",))
    kept = [compile_subject(replace(subject, sources=(one,))).running for one in (source, unique)]
    assert [[[leaf.label for leaf in one.leaves] for one in some] for some in kept] == [
        [["retention(who, by day) and 1 later", "retention(who, by month) and 1 later"]],
        [["retention(who, by day) and 1 later"]],
    ]


def test_of_what_is_stored_again_the_newest_of_the_period_counts(worlds: dict[str, World]) -> None:
    """With `unique`, a document that another replaced within its month brings nobody back."""
    subject = subject_of(
        "UTC", date(2024, 1, 1), (Grain.MONTH,), (retention("back", Grain.MONTH, 1, "n > 1"),), where="n > 0"
    )
    (source,) = subject.sources
    fields = (*source.fields, Field("code", "integer"))
    subject = replace(subject, sources=(replace(source, unique=("code",), fields=fields),))
    stored = [(1, 3, 1, "ann", 2), (1, 9, 1, "ann", 0), (1, 5, 2, "bob", 2), (2, 4, 3, "bob", 2)]
    stored += [(2, 6, 3, "bob", 1), (2, 7, 4, "ann", 3)]
    documents = [
        {"_id": at, "at": datetime(2024, month, day, tzinfo=UTC), "code": code, "who": who, "n": n}
        for at, (month, day, code, who, n) in enumerate(stored)
    ]
    days = (date(2024, 1, 1), date(2024, 4, 1))
    case = Case(subject, {"docs": documents}, days, datetime(2024, 8, 1, tzinfo=UTC))
    world = worlds["server"]
    with runs.loaded(world, case.documents):
        runs.run(world, case)
        # Ann's order of January was taken back on the 9th: she is new in February. Bob's later one is small.
        assert _lists(world, subject) == [[1, 0], [1, 0], None]


def _lists(world: World, subject: Subject) -> list[Any]:
    rows = runs.published(world, subject, Grain.MONTH)
    return [one["back"] for one in sorted(rows, key=lambda one: one["partition_date"])]
