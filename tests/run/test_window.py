"""The window of a run against a walk through time: every quarter of an hour, asked for its partitions."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashpipe.run import window
from dashpipe.run.base import Request, Window
from dashpipe.run.errors import Refused
from dashpipe.spec.model import WEEKDAYS, Calendar, Fiscal, Grain, Lookback, Source, Subject, Target, Time
from tests.compile.calendars import first_of, fiscals

UTC = timezone.utc
QUARTER = timedelta(minutes=15)
DAY = timedelta(days=1)
APRIL = Fiscal(4)
ZONES = ("Asia/Shanghai", "Europe/London", "America/New_York", "America/Sao_Paulo", "Asia/Kathmandu", "UTC")


def subject(
    tz: str = "Asia/Shanghai",
    *,
    grains: tuple[Grain, ...] = tuple(Grain),
    start: str = "2020-01-01",
    week_start: str = "monday",
    fiscal: Fiscal = APRIL,
    lookback: Lookback | None = None,
    catch_up_days: int = 31,
) -> Subject:
    """A subject with what decides windows."""
    return Subject(
        project="shop",
        domain="dash",
        name="daily",
        version=1,
        timezone=tz,
        start=start,
        sources=(Source("orders", "orders", Time("at")),),
        metrics=(),
        target=Target("dash_daily"),
        grains=grains,
        week_start=week_start,
        fiscal=fiscal,
        lookback=lookback,
        catch_up_days=catch_up_days,
    )


def at(text: str, tz: str = "Asia/Shanghai") -> datetime:
    """The instant of a local time."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(tz))


def label_of(grain: Grain, instant: datetime, calendar: Calendar) -> str:
    """The label of an instant, by stepping back a local day at a time."""
    local = instant.astimezone(ZoneInfo(calendar.timezone))
    if grain is Grain.HOUR:
        return local.strftime("%Y-%m-%dT%H%z")
    return first_of(grain, local.date(), calendar)


def walked(one: Subject, grain: Grain, first: date, end: datetime, as_of: datetime) -> set[str]:
    """The partitions of every quarter of an hour from the local day ``first`` to ``end``, or ``as_of``."""
    tz = one.timezone
    until = min(end, as_of)
    instant = datetime(first.year, first.month, first.day, tzinfo=UTC) - DAY
    found = set()
    while instant < until:
        if instant.astimezone(ZoneInfo(tz)).date() >= first:
            found.add(label_of(grain, instant, one.calendar))
        instant += QUARTER
    oldest = label_of(grain, at(f"{one.start}T12:00", tz), one.calendar)
    return {label for label in found if label[:10] >= (one.start if grain is Grain.HOUR else oldest)}


quarters = st.integers(0, 486 * 96).map(lambda at: datetime(2023, 9, 1, tzinfo=UTC) + at * QUARTER)


@given(
    st.sampled_from(ZONES),
    st.sampled_from(tuple(Grain)),
    st.sampled_from(WEEKDAYS),
    fiscals,
    quarters,
    st.integers(1, 9),
    st.integers(-30, 200),
    st.integers(-5, 400),
)
def test_a_lookback_names_the_partitions_that_a_walk_meets(
    tz: str, grain: Grain, week_start: str, fiscal: Fiscal, end: datetime, days: int, late: int, old: int
) -> None:
    """A grain has exactly the partitions with an instant in the window, from `start` on, that have begun."""
    start = (end - old * DAY).date().isoformat()
    one = subject(tz, grains=(grain,), week_start=week_start, fiscal=fiscal, start=start)
    as_of = end + late * QUARTER
    request = Request(one, "dag/run", "scheduled", interval_end=end)
    chosen = window.choose(request, one, Lookback(days), as_of)
    first = end.astimezone(ZoneInfo(tz)).date() - days * DAY
    assert set(window.labels(one, chosen, as_of)[grain]) == walked(one, grain, first, end, as_of)


@given(
    st.sampled_from(ZONES),
    st.sampled_from(tuple(Grain)),
    fiscals,
    quarters,
    st.integers(0, 12),
    st.integers(0, 40),
)
def test_what_ended_lately_is_what_a_walk_meets(
    tz: str, grain: Grain, fiscal: Fiscal, as_of: datetime, days: int, old: int
) -> None:
    """Partitions that ended at most some local days ago: the last instants before each end tell."""
    one = subject(tz, grains=(grain,), fiscal=fiscal, start=(as_of - old * DAY).date().isoformat())
    wall = as_of.astimezone(ZoneInfo(tz)).replace(tzinfo=None) - days * DAY
    oldest = wall.replace(tzinfo=ZoneInfo(tz)).astimezone(UTC)
    expected = []
    instant = oldest - QUARTER
    while instant < as_of:
        after = instant + QUARTER
        label = label_of(grain, instant, one.calendar)
        if label != label_of(grain, after, one.calendar) and oldest <= after <= as_of:
            expected.append(label)
        instant = after
    holding = label_of(grain, at(f"{one.start}T12:00", tz), one.calendar)
    floor = one.start if grain is Grain.HOUR else holding
    assert list(window.ended(one, grain, as_of, days)) == [label for label in expected if label[:10] >= floor]


NOW = at("2024-03-10T12:30")
CASES: dict[str, Any] = {
    "from and to come first": (
        {"kind": "manual", "start": date(2024, 2, 1), "end": date(2024, 2, 3), "logical_date": NOW},
        ("2024-02-01T00:00", "2024-02-03T00:00"),
        "`from` and `to`",
    ),
    "from and to before an interval": (
        {"kind": "backfill", "start": date(2024, 2, 1), "end": date(2024, 2, 2), "interval_end": NOW},
        ("2024-02-01T00:00", "2024-02-02T00:00"),
        "`from` and `to`",
    ),
    "a manual run's logical date": (
        {"kind": "manual", "logical_date": at("2024-03-05T08:00"), "interval_end": at("2024-03-06T00:00")},
        ("2024-03-02T00:00", "2024-03-05T08:00"),
        "the logical date of a manual run",
    ),
    "a manual run without a date": (
        {"kind": "manual", "interval_end": at("2024-03-06T00:00")},
        ("2024-03-07T00:00", "2024-03-10T12:30"),
        "the clock",
    ),
    "a scheduled run's interval": (
        {"kind": "scheduled", "interval_end": at("2024-03-06T00:00"), "logical_date": at("2024-03-01T00:00")},
        ("2024-03-03T00:00", "2024-03-06T00:00"),
        "the end of the data interval of a scheduled run",
    ),
    "a backfill's interval": (
        {"kind": "backfill", "interval_end": at("2024-01-06T12:00")},
        ("2024-01-03T00:00", "2024-01-06T12:00"),
        "the end of the data interval of a backfill run",
    ),
    "an asset run": (
        {"kind": "asset", "upstream": ("shop_dash_base_v1",)},
        ("2024-03-05T00:00", "2024-03-08T00:00"),
        "what shop_dash_base_v1 published since the last run",
    ),
    "a command": ({"kind": "command"}, ("2024-03-07T00:00", "2024-03-10T12:30"), "the clock"),
}


@pytest.mark.parametrize("name", CASES)
def test_the_end_is_the_first_there_is(name: str) -> None:
    """from/to, a logical date, an interval's end, what upstream published, the clock: in this order."""
    asked, (start, end), why = CASES[name]
    one = subject(grains=(Grain.DAY,))
    spans = [
        (at("2024-03-01T00:00"), at("2024-03-02T00:00")),
        (at("2024-03-07T00:00"), at("2024-03-08T00:00")),
    ]
    chosen = window.choose(Request(one, "dag/run", **asked), one, Lookback(3), NOW, spans)
    assert (chosen.start, chosen.end, chosen.why) == (at(start), at(end), why)
    if asked["kind"] == "asset":
        assert window.labels(one, chosen, NOW)[Grain.DAY] == (
            "2024-03-01",
            "2024-03-05",
            "2024-03-06",
            "2024-03-07",
        )


def test_upstream_that_runs_ahead_ends_at_the_clock() -> None:
    """The month that upstream published is not over: the window ends now, and so do the days."""
    one = subject(grains=(Grain.DAY, Grain.MONTH))
    spans = [(at("2024-03-01T00:00"), at("2024-04-01T00:00"))]
    chosen = window.choose(Request(one, "r", "asset"), one, Lookback(1), NOW, spans)
    assert chosen.end == NOW
    found = window.labels(one, chosen, NOW)
    assert found[Grain.DAY] == tuple(f"2024-03-{day:02d}" for day in range(1, 11))
    assert found[Grain.MONTH] == ("2024-03-01",)


def test_an_asset_run_without_news_takes_the_clock() -> None:
    """Where upstream published nothing new the clock gives the end, and the log says so."""
    one = subject(grains=(Grain.DAY,))
    chosen = window.choose(Request(one, "r", "asset", upstream=("a_b_c_v1",)), one, Lookback(1), NOW)
    assert (chosen.end, chosen.why) == (NOW, "the clock, since upstream published nothing new")


def test_sparse_days_are_single_days() -> None:
    """A sparse lookback adds the very day so many days back, and the coarser partitions that hold it."""
    one = subject(grains=(Grain.DAY, Grain.WEEK, Grain.MONTH))
    chosen = window.choose(Request(one, "r"), one, Lookback(2, (7, 30)), NOW)
    found = window.labels(one, chosen, NOW)
    assert found[Grain.DAY] == ("2024-02-09", "2024-03-03", "2024-03-08", "2024-03-09", "2024-03-10")
    assert found[Grain.WEEK] == ("2024-02-05", "2024-02-26", "2024-03-04")
    assert found[Grain.MONTH] == ("2024-02-01", "2024-03-01")


def test_days_of_23_and_25_hours_are_whole() -> None:
    """Three days back over a clock change is three local days, whose hours are 23 and 25."""
    one = subject("Europe/London", grains=(Grain.HOUR, Grain.DAY))
    for end, hours in (("2024-04-01T00:00", 71), ("2024-10-28T00:00", 73)):
        moment = at(end, "Europe/London")
        request = Request(one, "r", "scheduled", interval_end=moment)
        found = window.labels(one, window.choose(request, one, Lookback(3), moment), moment)
        assert len(found[Grain.DAY]) == 3
        assert len(found[Grain.HOUR]) == hours
    assert "2024-10-27T01+0100" in found[Grain.HOUR]
    assert "2024-10-27T01+0000" in found[Grain.HOUR]


def test_from_and_to_are_local_days_and_nothing_else() -> None:
    """Named days are exactly these days, without a lookback; coarser grains have what holds them."""
    one = subject("Europe/London", grains=(Grain.DAY, Grain.WEEK, Grain.QUARTER))
    request = Request(one, "r", start=date(2024, 3, 30), end=date(2024, 4, 2))
    chosen = window.choose(request, one, Lookback(9, (20,)), at("2024-06-01T00:00"))
    assert chosen == Window(
        datetime(2024, 3, 30, tzinfo=UTC), datetime(2024, 4, 1, 23, tzinfo=UTC), "`from` and `to`"
    )
    found = window.labels(one, chosen, at("2024-06-01T00:00"))
    assert found[Grain.DAY] == ("2024-03-30", "2024-03-31", "2024-04-01")
    assert found[Grain.WEEK] == ("2024-03-25", "2024-04-01")
    assert found[Grain.QUARTER] == ("2024-01-01", "2024-04-01")


def test_what_has_not_begun_is_left_out() -> None:
    """Of named days those up to `as_of` are computed; the week that has begun is one of them."""
    one = subject(grains=(Grain.HOUR, Grain.DAY, Grain.WEEK, Grain.MONTH))
    request = Request(one, "r", start=date(2024, 3, 9), end=date(2024, 5, 1))
    found = window.labels(one, window.choose(request, one, Lookback(), NOW), NOW)
    assert found[Grain.HOUR][-1] == "2024-03-10T12+0800"
    assert found[Grain.DAY] == ("2024-03-09", "2024-03-10")
    assert found[Grain.WEEK] == ("2024-03-04",)
    assert found[Grain.MONTH] == ("2024-03-01",)


REFUSED: dict[str, Any] = {
    "no to": ({"start": date(2024, 3, 1)}, "a `from` without a `to`", "give both"),
    "no from": ({"end": date(2024, 3, 1)}, "a `to` without a `from`", "give both"),
    "turned round": ({"start": date(2024, 3, 2), "end": date(2024, 3, 1)}, "not after", "2024-03-03"),
    "empty": ({"start": date(2024, 3, 2), "end": date(2024, 3, 2)}, "not after", "2024-03-03"),
    "before start": (
        {"start": date(2019, 12, 31), "end": date(2020, 2, 1)},
        "before the start",
        "later days",
    ),
    "future": ({"start": date(2024, 3, 11), "end": date(2024, 3, 12)}, "has not begun", "up to today"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_days_that_make_no_sense_are_refused(name: str) -> None:
    """A request whose days do not go together says what to write instead, and is never retried."""
    asked, message, cure = REFUSED[name]
    one = subject()
    with pytest.raises(Refused) as refusal:
        window.choose(Request(one, "r", **asked), one, Lookback(), NOW)
    assert message in refusal.value.message
    assert cure in refusal.value.help
    assert not refusal.value.retry


def test_start_limits_what_is_written() -> None:
    """The partition that holds `start` is the first, also where it began earlier; no day before it is."""
    one = subject(grains=(Grain.HOUR, Grain.DAY, Grain.WEEK, Grain.MONTH), start="2024-03-09")
    found = window.labels(one, window.choose(Request(one, "r"), one, Lookback(30), NOW), NOW)
    assert found[Grain.HOUR][0] == "2024-03-09T00+0800"
    assert found[Grain.DAY] == ("2024-03-09", "2024-03-10")
    assert found[Grain.WEEK] == ("2024-03-04",)
    assert found[Grain.MONTH] == ("2024-03-01",)
    early = replace(one, start="2024-04-01")
    assert not any(
        window.labels(early, window.choose(Request(early, "r"), early, Lookback(), NOW), NOW).values()
    )


def test_an_old_interval_names_whole_days_however_late_it_runs() -> None:
    """A run whose interval ended at midday names that day whole, whenever it is run."""
    one = subject(grains=(Grain.DAY,))
    request = Request(one, "r", "scheduled", interval_end=at("2024-03-05T12:00"))
    first = window.labels(
        one, window.choose(request, one, Lookback(1), at("2024-03-05T12:01")), at("2024-03-05T12:01")
    )
    again = window.labels(one, window.choose(request, one, Lookback(1), NOW), NOW)
    assert first == again == {Grain.DAY: ("2024-03-04", "2024-03-05")}


LOOKBACKS: tuple[Any, ...] = (
    (None, {}, Lookback(3)),
    (None, {"LOOKBACK_DAYS": "5"}, Lookback(5)),
    (None, {"LOOKBACK_DAYS": " "}, Lookback(3)),
    (Lookback(2), {"LOOKBACK_DAYS": "5"}, Lookback(2)),
    (Lookback(7, default=True), {"LOOKBACK_DAYS": "5"}, Lookback(5)),
    (Lookback(7, default=True), {}, Lookback(7, default=True)),
)


@pytest.mark.parametrize(("given", "environ", "expected"), LOOKBACKS)
def test_a_lookback_is_the_specs_then_the_environments_then_the_tomls(
    given: Lookback | None, environ: dict[str, str], expected: Lookback
) -> None:
    """Spec, LOOKBACK_DAYS, dashpipe.toml, three: the first that is given."""
    assert window.lookback(subject(lookback=given), environ) == expected


@pytest.mark.parametrize("text", ["0", "-1", "three", "1.5", "٣", "99999"])
def test_a_lookback_that_is_no_number_of_days_is_refused(text: str) -> None:
    """LOOKBACK_DAYS must be a whole number of days, at least one: with none a day would never be complete."""
    with pytest.raises(Refused, match="LOOKBACK_DAYS is no number of days"):
        window.lookback(subject(), {"LOOKBACK_DAYS": text})


def test_ranges_that_meet_are_joined() -> None:
    """Published days side by side are one range; a range within another adds nothing."""
    days = [at(f"2024-03-{day:02d}T00:00") for day in range(1, 8)]
    spans = [(days[4], days[5]), (days[0], days[1]), (days[1], days[3]), (days[1], days[2])]
    assert window.merged(spans) == ((days[0], days[3]), (days[4], days[5]))
