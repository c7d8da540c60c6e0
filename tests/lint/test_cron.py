"""Cron expressions: what is read, what is refused at which column, and that croniter agrees."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashpipe.lint.cron import PRESETS, CronError, parse


def test_reads_lists_ranges_steps_and_names() -> None:
    """Each way to write a field gives its values."""
    cron = parse("*/20 1-3,22 * JAN-mar mon,7")
    assert cron.minutes == {0, 20, 40}
    assert cron.hours == {1, 2, 3, 22}
    assert cron.days == set(range(1, 32))
    assert cron.months == {1, 2, 3}
    assert cron.weekdays == {1, 0}
    assert cron.times_a_day == 12
    assert not cron.either_day


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_read(preset: str) -> None:
    """A preset means its five fields."""
    assert parse(preset) == parse(PRESETS[preset])


@pytest.mark.parametrize(
    ("text", "wrong", "message"),
    [
        ("61 * * * *", "61", "61 is out of range for the minute"),
        ("0 24 * * *", "24", "24 is out of range for the hour"),
        ("0 0 0 * *", "0", "0 is out of range for the day of month"),
        ("0 0 * 13 *", "13", "13 is out of range for the month"),
        ("0 0 * * 8", "8", "8 is out of range for the day of week"),
        ("0 0 * * mo", "mo", "`mo` is no day of week"),
        ("0 1,2,25 * * *", "25", "25 is out of range for the hour"),
        ("5-1 * * * *", "5-1", "the range 5-1 runs backwards"),
        ("*/0 * * * *", "*/0", "`*/0` has no step after the /"),
        ("*/90 * * * *", "*/90", "a step of 90 is longer than the minute goes"),
        ("0 0 * *", "0 0 * *", "a cron expression has five fields, this has 4"),
        ("0 0 0 * * *", "0 0 0 * * *", "a cron expression has five fields, this has 6"),
        ("0 0 30 2 *", "30 2", "this never fires: no such month has a day 30"),
        ("@dayly", "@dayly", "there is no preset @dayly"),
        ("0 0 ? * *", "?", "`?` is no day of month"),
        ("0 0 L * *", "L", "`L` is no day of month"),
        ("1,,2 * * * *", ",", "`` is no minute"),
        ("", "", "a cron expression has five fields, this has 0"),
    ],
)
def test_mistakes_are_shown_at_their_place(text: str, wrong: str, message: str) -> None:
    """The error names the part of the text that is wrong, and says what to write."""
    with pytest.raises(CronError) as caught:
        parse(text)
    assert str(caught.value) == message
    assert text[caught.value.start : caught.value.end] == wrong
    assert caught.value.help.startswith("write")


PART = st.one_of(
    st.just("*"),
    st.integers(0, 60).map(str),
    st.tuples(st.integers(0, 59), st.integers(0, 59)).map(lambda pair: f"{pair[0]}-{pair[1]}"),
    st.integers(0, 40).map(lambda step: f"*/{step}"),
)


@given(st.lists(PART, min_size=5, max_size=5))
def test_what_is_accepted_is_accepted_by_airflows_reader(parts: list[str]) -> None:
    """Airflow reads cron with croniter: it takes what lint lets pass, and fires at our minutes and hours."""
    croniter = pytest.importorskip("croniter").croniter
    text = " ".join(parts)
    try:
        cron = parse(text)
    except CronError:
        return
    assert croniter.is_valid(text)
    expanded = croniter(text).expanded
    if expanded[0] != ["*"]:
        assert cron.minutes == set(expanded[0])
    if expanded[1] != ["*"]:
        assert cron.hours == set(expanded[1])
    if expanded[4] != ["*"]:
        assert cron.weekdays == {one % 7 for one in expanded[4]}
