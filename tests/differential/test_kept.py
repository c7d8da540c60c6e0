"""Distinct counts of weeks and months from kept values of days equal those over all documents."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from bson import Int64
from hypothesis import given, settings
from hypothesis import strategies as st

from dashpipe.compile import compile_subject
from dashpipe.spec.model import WEEKDAYS, Dimension, Field, Grain, Metric, Source, Subject, Target, Time
from tests.compile.calendars import fiscals
from tests.differential import runs
from tests.differential.reaching import Document, first_day
from tests.differential.subjects import Case
from tests.run.world import World

pytestmark = pytest.mark.differential

FEW = max(3, settings().max_examples // 12)
#: Months with a clock change, a leap day, and weeks that reach beyond them.
MONTHS = (date(2024, 3, 1), date(2024, 2, 1), date(2023, 10, 1))
COARSE = (Grain.WEEK, Grain.MONTH, Grain.QUARTER)

METRICS = (
    Metric("rows", "count", source="docs"),
    Metric("users", "count_distinct", source="docs", expr="user"),
    Metric("codes", "count_distinct", source="docs", expr="code", where="code > 1"),
    Metric("flags", "count_distinct", source="docs", expr="ok"),
    Metric("regulars", "count_distinct", source="docs", expr="user", having="rows >= 3"),
    Metric("per_user", "ratio", numerator="rows", denominator="users"),
)


def _regulars(mine: list[Document]) -> int:
    times: dict[str, int] = defaultdict(int)
    for one in mine:
        if isinstance(one.get("user"), str):
            times[one["user"]] += 1
    return sum(n >= 3 for n in times.values())


def _codes(mine: list[Document]) -> int:
    values = [one.get("code") for one in mine]
    numbers = [one for one in values if type(one) in (int, Int64, float) and one == int(one)]
    return len({int(one) for one in numbers if one > 1})


#: What each metric is of some documents, as the design says it.
TRUTH: dict[str, Callable[[list[Document]], Any]] = {
    "rows": len,
    "users": lambda mine: len({one["user"] for one in mine if isinstance(one.get("user"), str)}),
    "codes": _codes,
    "flags": lambda mine: len({one["ok"] for one in mine if isinstance(one.get("ok"), bool)}),
    "regulars": _regulars,
}


@pytest.fixture(scope="module")
def worlds(mongo_uri: str, second_uri: str) -> Iterator[dict[str, World]]:
    """A world for each route, shared by all cases: each leaves it empty."""
    with ExitStack() as stack:
        others = {"server": None, "cursor": second_uri}
        yield {
            route: stack.enter_context(runs.opened(mongo_uri, f"kept_{os.getpid()}_{route}", other))
            for route, other in others.items()
        }


def subject_of(tz: str, first: date, key: tuple[str, ...], grains: tuple[Grain, ...]) -> Subject:
    """A subject that keeps values."""
    fields = (Field("user", "string"), Field("code", "integer"), Field("ok", "boolean"))
    source = Source(
        "docs",
        "docs",
        Time("at"),
        incremental=True,
        fields=(*fields, Field("shop", "string")),
        dimensions=tuple(Dimension(one) for one in key),
    )
    return Subject(
        project="test",
        domain="diff",
        name="kept",
        version=1,
        timezone=tz,
        start=(first - timedelta(days=40)).isoformat(),
        sources=(source,),
        metrics=METRICS,
        target=Target("kept"),
        dimensions=tuple(Dimension(one) for one in key),
        grains=grains,
    )


@st.composite
def documents_of(draw: st.DrawFn, tz: str, first: date, end: date, most: int) -> list[Document]:
    """Documents of some days and a few around them, with missing, null and mistyped values."""
    found = []
    for number in range(draw(st.integers(0, most))):
        day = first + timedelta(days=draw(st.integers(-3, (end - first).days + 2)))
        at = datetime(day.year, day.month, day.day, draw(st.integers(0, 23)), 30, tzinfo=ZoneInfo(tz))
        one: Document = {
            "_id": draw(st.integers(0, 10**9)) * 100 + number,
            "at": at.astimezone(timezone.utc),
            "user": draw(st.sampled_from(["ann", "b|b", "c\\", "b", "", None, 7])),
            "code": draw(st.sampled_from([1, 2, 2.0, Int64(3), 2.5, 2**53 + 1, None, "2"])),
            "ok": draw(st.sampled_from([True, False, None, 1])),
            "shop": draw(st.sampled_from(["x", "y|", None])),
        }
        found.append({name: value for name, value in one.items() if value is not None or number % 2})
    return found


@st.composite
def histories(draw: st.DrawFn) -> tuple[Case, list[Document], list[tuple[date, date]]]:
    """A case, the documents that come late, and the pieces in which its days are run."""
    first = draw(st.sampled_from(MONTHS))
    end = (first + timedelta(days=32)).replace(day=1)
    tz = draw(st.sampled_from(["Europe/London", "Asia/Kathmandu", "Australia/Lord_Howe"]))
    key = tuple(draw(st.lists(st.just("shop"), max_size=1)))
    coarse = draw(st.lists(st.sampled_from(COARSE), min_size=1, max_size=2, unique=True))
    finest = draw(st.sampled_from([Grain.DAY, Grain.DAY, Grain.HOUR]))
    grains = (finest, *(one for one in COARSE if one in coarse))
    held = draw(documents_of(tz, first, end, 24))
    late = draw(documents_of(tz, first, end, 4))
    late = [one for one in late if one["_id"] not in {each["_id"] for each in held}]
    cuts = sorted(draw(st.sets(st.integers(1, (end - first).days - 1), max_size=3)))
    edges = [first, *(first + timedelta(days=one) for one in cuts), end]
    as_of = datetime(end.year, end.month, end.day, tzinfo=timezone.utc) + timedelta(days=100)
    subject = subject_of(tz, first, key, grains)
    subject = replace(subject, week_start=draw(st.sampled_from(WEEKDAYS)), fiscal=draw(fiscals))
    case = Case(subject, {"docs": held}, (first, end), as_of)
    return case, late, draw(st.permutations(list(pairwise(edges))))


def expected(case: Case, documents: list[Document], grain: Grain) -> dict[tuple[Any, ...], Document]:
    """The rows of the partitions that the case's days touch."""
    zone, calendar = ZoneInfo(case.subject.timezone), case.subject.calendar
    first, end = case.days
    whole = {first_day(grain, first + timedelta(days=at), calendar) for at in range((end - first).days)}
    groups: dict[tuple[Any, ...], list[Document]] = defaultdict(list)
    for one in documents:
        label = first_day(grain, one["at"].astimezone(zone).date(), calendar)
        if label in whole:
            groups[(label, *(one.get(each.name) for each in case.subject.key))].append(one)
    for label in whole if not case.subject.key else ():
        groups.setdefault((label,), [])
    rows = {}
    for at, mine in groups.items():
        rows[at] = {name: of(mine) for name, of in TRUTH.items()}
        rows[at]["per_user"] = rows[at]["rows"] / rows[at]["users"] if rows[at]["users"] else None
    return rows


def check(world: World, case: Case, documents: list[Document]) -> None:
    """The published rows of days and longer are those of the documents."""
    key = [one.name for one in case.subject.key]
    for grain in case.subject.grains:
        if grain is Grain.HOUR:
            continue
        wanted = expected(case, documents, grain)
        found = runs.published(world, case.subject, grain)
        rows = {(date.fromisoformat(one["partition_date"]), *(one[k] for k in key)): one for one in found}
        assert rows.keys() == wanted.keys(), grain
        for at, row in rows.items():
            assert {name: row[name] for name in wanted[at]} == wanted[at], (grain, at)


@pytest.mark.slow  # long on the Python build; .ci/run has it on the native one
@settings(max_examples=FEW)
@given(history=histories(), route=st.sampled_from(["server", "server", "cursor"]))
def test_counts_from_kept_values_equal_those_over_documents(
    worlds: dict[str, World],
    history: tuple[Case, list[Document], list[tuple[date, date]]],
    route: str,
) -> None:
    """In any pieces, with late documents between them; and the month is made from states, not the source."""
    case, late, pieces = history
    world = worlds[route]
    with runs.loaded(world, case.documents):
        for piece in pieces:
            runs.run(world, case, days=piece)
        check(world, case, case.documents["docs"])
        if late:
            world.source["docs"].insert_many(late)
        for piece in reversed(pieces):
            done = runs.run(world, case, days=piece)
        check(world, case, [*case.documents["docs"], *late])
        if Grain.MONTH in case.subject.grains:
            assert done["steps"]["transform"]["origin"]["month"] == {"docs": {"states": 1, "source": 0}}
        before = {one["_id"]: one["_meta"]["fence"] for one in world.target[_values(case)].find()}
        again = runs.run(world, case)
        assert all(
            one["changed"] == one["inserted"] == 0 for one in again["steps"]["load"]["counts"].values()
        )
        after = {one["_id"] for one in world.target[_values(case)].find()}
        assert after == before.keys()


def _values(case: Case) -> str:
    finest = case.subject.grains[0]
    return "kept__values" if finest is Grain.DAY else f"kept_{finest.value}__values"


def test_documents_that_left_take_their_values_along(worlds: dict[str, World]) -> None:
    """A value whose last document is gone is no longer kept, and no longer counted."""
    first, end = date(2024, 2, 1), date(2024, 3, 1)
    subject = subject_of("Europe/London", first, (), (Grain.DAY, Grain.MONTH))
    noon = datetime(2024, 2, 10, 12, tzinfo=timezone.utc)
    held = [{"_id": at, "at": noon + timedelta(days=at % 2), "user": f"u{at % 3}"} for at in range(6)]
    case = Case(subject, {"docs": held}, (first, end), datetime(2024, 4, 1, tzinfo=timezone.utc))
    world = worlds["server"]
    with runs.loaded(world, case.documents):
        runs.run(world, case)
        assert runs.published(world, subject, Grain.MONTH)[0]["users"] == 3
        world.source["docs"].delete_many({"user": "u2"})
        done = runs.run(world, case, days=(noon.date(), noon.date() + timedelta(days=2)))
        # Of each of two days two users, for `users` and for `regulars`.
        assert done["steps"]["load"]["values"] == {"kept": 8, "removed": 4}
        assert done["steps"]["transform"]["origin"]["month"] == {"docs": {"states": 1, "source": 0}}
        assert runs.published(world, subject, Grain.MONTH)[0]["users"] == 2


def test_without_the_pass_the_source_is_read() -> None:
    """Switched off, nothing is kept and every grain is read from the source."""
    subject = subject_of("Europe/London", date(2024, 2, 1), (), (Grain.DAY, Grain.MONTH))
    assert [len(one.leaves) for one in compile_subject(subject).kept] == [4]
    assert compile_subject(subject, ("rollup",)).kept == ()
    plain = replace(subject, sources=(replace(subject.sources[0], incremental=False),))
    assert compile_subject(plain).kept == ()
