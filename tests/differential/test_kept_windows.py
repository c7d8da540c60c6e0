"""Windows and shares of distinct counts: from kept values as over all documents; and what is restated."""

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
from hypothesis import given, settings
from hypothesis import strategies as st

from dashpipe.compile import compile_subject
from dashpipe.spec.model import WEEKDAYS, Dimension, Grain, Input, Metric, Period
from tests.compile.calendars import fiscals
from tests.differential import runs
from tests.differential.reaching import Document, first_day, last_day
from tests.differential.subjects import Case
from tests.differential.test_kept import METRICS, TRUTH, documents_of, subject_of
from tests.run.world import World

pytestmark = pytest.mark.differential

FEW = max(2, settings().max_examples // 20)
#: Around clock changes, a leap day and a new year.
STARTS = (date(2024, 3, 20), date(2024, 2, 20), date(2023, 10, 20), date(2023, 12, 20))
WEEK = Period(7, "day")
SHORT = {"grains": (Grain.DAY, Grain.WEEK)}

WINDOWS = (
    Metric("wau", "cumulative", metric="users", window=WEEK),
    Metric("mau", "cumulative", metric="users", window=Period(28, "day"), where="code > 1"),
    Metric("codes_mtd", "cumulative", metric="codes", to_date="month"),
    Metric("flags_ever", "cumulative", metric="flags"),
    Metric("regulars_7d", "cumulative", metric="regulars", window=WEEK),
    Metric("per_user_7d", "cumulative", metric="per_user", window=WEEK),
    Metric("peak", "cumulative", metric="users", window=WEEK, period_agg="max"),
    Metric("opening", "cumulative", metric="users", window=WEEK, period_agg="first"),
    Metric("more", "derived", expr="users - before", inputs=(Input("users", "before", None, WEEK),), **SHORT),
)
SHARES = (
    Metric("part", "share", metric="users", of=("shop",)),
    Metric("part_regulars", "share", metric="regulars", of=()),
    Metric("part_7d", "share", metric="wau", of=()),
)

Count = Callable[[str, date, date, dict[str, Any]], Any]


def _where(name: str, mine: list[Document]) -> list[Document]:
    """The documents that the filter of a cumulative metric leaves."""
    if name != "mau":
        return mine
    numbers = (int, float)
    codes = ((one, one.get("code")) for one in mine)
    return [
        one
        for one, code in codes
        if type(code).__name__ != "bool" and isinstance(code, numbers) and _above(code)
    ]


def _above(code: float) -> bool:
    return code == int(code) and code > 1


class Walk:
    """What each metric of a row is, by going through all documents for each."""

    def __init__(self, case: Case, documents: list[Document]) -> None:
        self.subject, self.calendar = case.subject, case.subject.calendar
        zone = ZoneInfo(self.subject.timezone)
        self.documents = [(one["at"].astimezone(zone).date(), one) for one in documents]
        self.metrics = {one.name: one for one in self.subject.metrics}

    def of(self, name: str, start: date, end: date, key: dict[str, Any], only: str = "") -> Any:
        """A plain metric over some days, under the filter of another one."""
        mine = [
            one
            for day, one in self.documents
            if start <= day <= end and all(one.get(each) == value for each, value in key.items())
        ]
        mine = _where(only, mine)
        if name == "per_user":
            users = TRUTH["users"](mine)
            return len(mine) / users if users else None
        return TRUTH[name](mine)

    def value(self, name: str, grain: Grain, first: date, key: dict[str, Any]) -> Any:
        """A metric of a row."""
        one, last = self.metrics[name], last_day(grain, first, self.calendar)
        if one.type in ("count", "count_distinct", "ratio"):
            return self.of(name, first, last, key)
        if one.type == "derived":
            before = self.of("users", first - timedelta(days=7), last - timedelta(days=7), key)
            started = first_day(grain, date.fromisoformat(self.subject.start), self.calendar)
            known = first - timedelta(days=7) >= started
            return self.of("users", first, last, key) - before if known else None
        if one.type == "share":
            whole = {each: value for each, value in key.items() if each in one.of}
            below = self.value(one.metric or "", grain, first, whole)
            return self.value(one.metric or "", grain, first, key) / below if below else None
        if one.period_agg == "max":
            days = [first + timedelta(days=at) for at in range((last - first).days + 1)]
            return max(self.of("users", day - timedelta(days=6), day, key) for day in days)
        end = first if one.period_agg == "first" else last
        if one.window is not None:
            start = end - timedelta(days=one.window.n - 1)
        else:
            start = end.replace(day=1) if one.to_date else date.min
        return self.of(one.metric or "", start, end, key, name)

    def rows(self, case: Case, grain: Grain) -> dict[tuple[Any, ...], Document]:
        """The rows of the partitions that the case's days touch."""
        first, end = case.days
        days = [first + timedelta(days=at) for at in range((end - first).days)]
        keys: dict[date, set[tuple[Any, ...]]] = defaultdict(set)
        names = [one.name for one in self.subject.key]
        for day, one in self.documents:
            keys[first_day(grain, day, self.calendar)].add(tuple(one.get(name) for name in names))
        wanted = [one for one in self.metrics.values() if one.grains is None or grain in one.grains]
        return {
            (start, *key): {
                one.name: self.value(one.name, grain, start, dict(zip(names, key))) for one in wanted
            }
            for start in {first_day(grain, day, self.calendar) for day in days}
            for key in (keys[start] if names else {()})
        }


@pytest.fixture(scope="module")
def worlds(mongo_uri: str, second_uri: str) -> Iterator[dict[str, World]]:
    """A world for each route, shared by all cases: each leaves it empty."""
    with ExitStack() as stack:
        others = {"server": None, "cursor": second_uri}
        yield {
            route: stack.enter_context(runs.opened(mongo_uri, f"windows_{os.getpid()}_{route}", other))
            for route, other in others.items()
        }


@st.composite
def histories(draw: st.DrawFn) -> tuple[Case, list[Document], list[int], list[tuple[date, date]], list[bool]]:
    """A case; documents that come late, and those that go; pieces of its days; which of them are kept."""
    first = draw(st.sampled_from(STARTS))
    end = first + timedelta(days=draw(st.integers(3, 20)))
    tz = draw(st.sampled_from(["Europe/London", "Asia/Kathmandu", "Australia/Lord_Howe"]))
    key = tuple(draw(st.lists(st.just("shop"), max_size=1)))
    finest = draw(st.sampled_from([Grain.DAY, Grain.DAY, Grain.HOUR]))
    longer = st.sampled_from([Grain.WEEK, Grain.MONTH, Grain.FISCAL_MONTH])
    coarse = draw(st.lists(longer, max_size=2, unique=True))
    grains = [finest, *([Grain.DAY] if finest is Grain.HOUR else []), *sorted(coarse, key=[*Grain].index)]
    if finest is Grain.HOUR and draw(st.booleans()) and coarse:
        grains.remove(Grain.DAY)
    windows = draw(st.lists(st.sampled_from(WINDOWS), min_size=1, max_size=4, unique=True))
    shares = draw(st.lists(st.sampled_from(SHARES), max_size=2, unique=True)) if key else []
    if SHARES[2] in shares and WINDOWS[0] not in windows:
        windows.append(WINDOWS[0])
    own = (Metric("rows", "count", source="docs"), *METRICS[1:])
    metrics = [*own, *windows, *shares]
    kept = [
        replace(one, grains=tuple(each for each in grains if one.grains is None or each in one.grains))
        for one in metrics
    ]
    subject = replace(
        subject_of(tz, first, key, tuple(grains)),
        metrics=tuple(one for one in kept if one.grains),
        start=(first - timedelta(days=draw(st.sampled_from([0, 0, 2])))).isoformat(),
        week_start=draw(st.sampled_from(WEEKDAYS)),
        fiscal=draw(fiscals),
    )
    held = draw(documents_of(tz, first, end, 24))
    zone = ZoneInfo(tz)
    late = [
        one
        for one in draw(documents_of(tz, first, end, 4))
        if first <= one["at"].astimezone(zone).date() < end
        and one["_id"] not in {each["_id"] for each in held}
    ]
    inside = [one["_id"] for one in held if first <= one["at"].astimezone(zone).date() < end]
    gone = draw(st.lists(st.sampled_from(inside), max_size=2, unique=True)) if inside else []
    cuts = sorted(draw(st.sets(st.integers(1, (end - first).days - 1), max_size=3)))
    edges = [first, *(first + timedelta(days=one) for one in cuts), end]
    pieces = draw(st.permutations(list(pairwise(edges))))
    as_of = datetime(end.year, end.month, end.day, tzinfo=timezone.utc) + timedelta(days=100)
    case = Case(subject, {"docs": held}, (first, end), as_of)
    return case, late, gone, pieces, [draw(st.booleans()) for _ in pieces]


def check(world: World, case: Case, documents: list[Document]) -> None:
    """The published rows of days and longer are those of the documents."""
    key = [one.name for one in case.subject.key]
    walk = Walk(case, documents)
    for grain in case.subject.grains:
        if grain is Grain.HOUR:
            continue
        wanted = walk.rows(case, grain)
        found = runs.published(world, case.subject, grain)
        rows = {(date.fromisoformat(one["partition_date"]), *(one[k] for k in key)): one for one in found}
        assert rows.keys() == wanted.keys(), grain
        for at, row in rows.items():
            for name, value in wanted[at].items():
                assert row[name] == (None if value is None else pytest.approx(value, rel=1e-12)), (
                    grain,
                    at,
                    name,
                )


@settings(max_examples=FEW)
@given(history=histories(), route=st.sampled_from(["server", "server", "cursor"]))
def test_windows_over_kept_values_equal_those_over_documents(
    worlds: dict[str, World],
    history: tuple[Case, list[Document], list[int], list[tuple[date, date]], list[bool]],
    route: str,
) -> None:
    """In any pieces, some kept only later; with documents that come late and go; and then nothing changes."""
    case, late, gone, pieces, kept = history
    world, zone = worlds[route], ZoneInfo(case.subject.timezone)
    plain = replace(
        case.subject, sources=tuple(replace(one, incremental=False) for one in case.subject.sources)
    )
    held = case.documents["docs"]
    with runs.loaded(world, case.documents):
        for piece, keeps in zip(pieces, kept):
            runs.run(world, case, case.subject if keeps else plain, piece)
        check(world, case, held)
        if late:
            world.source["docs"].insert_many(late)
        world.source["docs"].delete_many({"_id": {"$in": gone}})
        left = [one for one in [*held, *late] if one["_id"] not in gone]
        moved = [one for one in [*held, *late] if one["_id"] in gone or one in late]
        touched = {one["at"].astimezone(zone).date() for one in moved}
        for start, end in reversed(pieces):
            if any(start <= day < end for day in touched):
                runs.run(world, case, days=(start, end))
        check(world, case, left)
        runs.run(world, case)
        again = runs.run(world, case, days=pieces[0])["steps"]
        for counts in again["load"]["counts"].values():
            assert (counts["inserted"], counts["changed"], counts["removed"]) == (0, 0, 0)
        assert not any(again["transform"]["dependants"].values())
        check(world, case, left)


# ---- what is read, and what is restated

NOON = datetime(2024, 4, 1, 12, tzinfo=timezone.utc)
DAYS = (date(2024, 4, 1), date(2024, 4, 22))


def seen(number: int, day: int, user: str) -> Document:
    """A document of a day in April."""
    return {"_id": number, "at": NOON + timedelta(days=day - 1), "user": user, "shop": "x"}


def april(*metrics: Metric, grains: tuple[Grain, ...] = (Grain.DAY, Grain.WEEK)) -> Case:
    """A case of three weeks: on each day one user of the day, and `ann`."""
    subject = replace(subject_of("UTC", DAYS[0], (), grains), start="2024-04-01", metrics=metrics)
    held = [seen(day, day, f"u{day}") for day in range(1, 22)]
    held += [seen(100 + day, day, "ann") for day in range(1, 22)]
    return Case(subject, {"docs": held}, DAYS, datetime(2024, 6, 1, tzinfo=timezone.utc))


USERS = Metric("users", "count_distinct", source="docs", expr="user")
ROWS = Metric("rows", "count", source="docs")


def by_day(world: World, case: Case, name: str, grain: Grain = Grain.DAY) -> list[Any]:
    """A metric of the published rows, in time order."""
    found = runs.published(world, case.subject, grain)
    return [one[name] for one in sorted(found, key=lambda one: str(one["partition_date"]))]


def one_day(day: int) -> tuple[date, date]:
    """A day of April as a run is asked for it."""
    return date(2024, 4, day), date(2024, 4, day + 1)


def test_a_restated_day_whose_values_changed_restates_the_windows_that_read_it(
    worlds: dict[str, World],
) -> None:
    """Of seven days: itself, six more days, and the weeks whose last seven days hold it; no more."""
    case, world = april(ROWS, USERS, WINDOWS[0]), worlds["server"]
    with runs.loaded(world, case.documents):
        runs.run(world, case)
        assert by_day(world, case, "wau") == [2, 3, 4, 5, 6, 7, *[8] * 15]
        assert by_day(world, case, "wau", Grain.WEEK) == [8, 8, 8]
        world.source["docs"].insert_one(seen(999, 10, "new"))
        done = runs.run(world, case, days=one_day(10))["steps"]
        assert done["transform"]["dependants"] == {"day": 6, "week": 0}
        assert done["transform"]["reached"] == {
            "day": {"docs": {"states": 7, "source": 0}},
            "week": {"docs": {"states": 1, "source": 0}},
        }
        assert done["load"]["counts"]["day"]["changed"] == 7
        assert by_day(world, case, "wau") == [2, 3, 4, 5, 6, 7, 8, 8, 8, *[9] * 7, *[8] * 5]
        assert by_day(world, case, "wau", Grain.WEEK) == [8, 9, 8]


def test_a_restated_day_whose_values_did_not_change_restates_nothing(worlds: dict[str, World]) -> None:
    """Who was there comes once more: the day's count of documents is another, and no window is read."""
    case, world = april(ROWS, USERS, WINDOWS[0]), worlds["server"]
    with runs.loaded(world, case.documents):
        runs.run(world, case)
        world.source["docs"].insert_one(seen(999, 10, "ann"))
        done = runs.run(world, case, days=one_day(10))["steps"]
        assert done["transform"]["dependants"] == {"day": 0, "week": 0}
        assert done["load"]["counts"]["day"]["changed"] == 1
        assert by_day(world, case, "rows")[9] == 3


def test_a_value_that_left_a_restated_day_leaves_its_windows(worlds: dict[str, World]) -> None:
    """What is stored of a day that the run has computed anew no longer counts, at either grain."""
    case, world = april(ROWS, USERS, WINDOWS[0]), worlds["server"]
    with runs.loaded(world, case.documents):
        runs.run(world, case)
        world.source["docs"].delete_one({"user": "u14"})
        done = runs.run(world, case, days=one_day(14))["steps"]
        assert done["transform"]["dependants"] == {"day": 6, "week": 0}
        assert by_day(world, case, "wau") == [2, 3, 4, 5, 6, 7, *[8] * 7, *[7] * 7, 8]
        assert by_day(world, case, "wau", Grain.WEEK) == [8, 7, 8]


def test_a_condition_over_values_sees_what_changed_below_them(worlds: dict[str, World]) -> None:
    """The same values, but one of them three times within the window: it counts now, also days later."""
    often = replace(METRICS[4], name="regulars")
    case, world = april(ROWS, USERS, often, WINDOWS[4]), worlds["server"]
    with runs.loaded(world, case.documents):
        runs.run(world, case)
        assert by_day(world, case, "regulars_7d") == [0, 0, *[1] * 19]
        world.source["docs"].insert_many([seen(998, 10, "u10"), seen(999, 10, "u10")])
        done = runs.run(world, case, days=one_day(10))["steps"]
        assert done["transform"]["dependants"] == {"day": 6, "week": 0}
        assert by_day(world, case, "regulars_7d") == [0, 0, *[1] * 7, *[2] * 7, *[1] * 5]


def test_days_that_are_kept_are_not_read_again(worlds: dict[str, World]) -> None:
    """The documents of old days are gone from the source: a window over them is still right."""
    case, world = (
        april(ROWS, USERS, WINDOWS[0], Metric("ever", "cumulative", metric="users")),
        worlds["server"],
    )
    with runs.loaded(world, case.documents):
        runs.run(world, case)
        world.source["docs"].delete_many({"at": {"$lt": NOON + timedelta(days=18)}})
        done = runs.run(world, case, days=(date(2024, 4, 20), date(2024, 4, 22)))["steps"]
        assert done["transform"]["reached"]["day"] == {"docs": {"states": 2, "source": 0}}
        assert by_day(world, case, "wau")[-2:] == [8, 8]
        assert by_day(world, case, "ever")[-2:] == [21, 22]
        assert by_day(world, case, "wau", Grain.WEEK) == [8, 8, 8]


def test_a_share_is_counted_where_its_row_is(worlds: dict[str, World]) -> None:
    """The documents of old days are gone: the week's users of a shop and of all shops are both kept."""
    case, world = april(USERS, SHARES[0], Metric("of_all", "share", metric="users", of=())), worlds["server"]
    shops = (Dimension("shop"),)
    subject = replace(
        subject_of("UTC", DAYS[0], ("shop",), case.subject.grains), metrics=case.subject.metrics
    )
    case = replace(case, subject=replace(subject, start="2024-04-01", dimensions=shops))
    case.documents["docs"].extend({**seen(200 + day, day, "ann"), "shop": "y"} for day in range(1, 22))
    with runs.loaded(world, case.documents):
        runs.run(world, case)
        world.source["docs"].delete_many({"at": {"$lt": NOON + timedelta(days=19)}})
        done = runs.run(world, case, days=one_day(21))["steps"]["transform"]
        assert done["origin"]["week"] == {"docs": {"states": 1, "source": 0}}
        assert done["reached"]["week"] == {"docs": {"states": 1, "source": 0}}
        weeks = [one for one in runs.published(world, case.subject, Grain.WEEK) if one["users"]]
        newest = {one["shop"]: one for one in weeks if one["partition_date"] == "2024-04-15"}
        assert {shop: (one["users"], one["part"], one["of_all"]) for shop, one in newest.items()} == {
            "x": (8, 1.0, 1.0),
            "y": (1, 1.0, 0.125),
        }


def test_days_that_are_not_kept_yet_are_read_from_the_source(worlds: dict[str, World]) -> None:
    """The spec turned `incremental` on later: until each day of a window is kept, the source counts."""
    case, world = april(ROWS, USERS, WINDOWS[0], grains=(Grain.DAY,)), worlds["server"]
    plain = replace(case.subject, sources=(replace(case.subject.sources[0], incremental=False),))
    with runs.loaded(world, case.documents):
        runs.run(world, case, plain)
        wanted = by_day(world, case, "wau")
        done = runs.run(world, case, days=(date(2024, 4, 12), date(2024, 4, 20)))["steps"]
        # The first day that has seven kept days is the 18th; the 20th and 21st read some of the run's days.
        assert done["transform"]["reached"]["day"] == {"docs": {"states": 4, "source": 6}}
        assert by_day(world, case, "wau") == wanted
        done = runs.run(world, case, days=(date(2024, 4, 19), date(2024, 4, 22)))["steps"]
        assert done["transform"]["reached"]["day"] == {"docs": {"states": 3, "source": 0}}
        assert by_day(world, case, "wau") == wanted


def test_one_window_that_keeps_no_values_leaves_all_to_the_source() -> None:
    """A row holds one truth: with the median of a window beside it, what is distinct is read there too."""
    median = Metric("median", "median", source="docs", expr="code")
    case = april(ROWS, USERS, WINDOWS[0], median, Metric("m7", "cumulative", metric="median", window=WEEK))
    plan = compile_subject(case.subject)
    assert plan.merging("docs", Grain.DAY) is None
    note = next(one for one in plan.notes if one.step == "rollup")
    about = "what day of docs reaches back to is read from the source"
    assert f"{about}: continuous(code, p 0.5) over 7 days does not merge" in note.text


def test_without_the_pass_windows_read_the_source() -> None:
    """Switched off, nothing is kept for windows, and no scan is made for it."""
    case = april(ROWS, replace(USERS, grains=(Grain.WEEK,)), replace(WINDOWS[0], grains=(Grain.WEEK,)))
    kept = compile_subject(case.subject)
    assert [one.label for one in kept.kept_at("docs", Grain.DAY)] == ["distinct(user)"]
    off = compile_subject(case.subject, ("rollup",))
    assert off.kept == ()
    assert [one.label for one in off.source("docs").leaves_at(Grain.DAY)] == ["count(*)"]
