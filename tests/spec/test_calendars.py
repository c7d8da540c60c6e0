"""Calendar files: the days that follow from one, against calendars that are published and against a walk."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashpipe.spec import codec
from dashpipe.spec.calendars import build_calendar, is_calendar
from dashpipe.spec.model import Fiscal
from dashpipe.spec.reader import read
from dashpipe.spec.whole import files_of
from tests.compile.calendars import by_weeks
from tests.spec.projects import project

RETAIL = """
dashpipe: 1
calendar: retail
version: 3
pattern: 4-5-4
years: [2022-01-30, 2023-01-29, 2024-02-04]
last_day: 2025-02-01
"""

SUBJECT = """
dashpipe: 1
subject: monthly
timezone: America/New_York
start: 2022-03-01
calendar: {file: calendars/retail.yml}
sources: [orders]
grains: [day, fiscal_month]
metrics: [orders]
"""


def days(text: str) -> tuple[str, ...]:
    """The days of a calendar file without a mistake."""
    node = read(text, "calendar.yml").node
    assert node is not None
    assert is_calendar(node)
    fiscal, wrong = build_calendar(node, "calendar.yml")
    assert wrong == ()
    return fiscal.days


def test_the_retail_year_of_53_weeks() -> None:
    """The months of 2023 and 2024 in the 4-5-4 calendar that the National Retail Federation publishes."""
    published = (
        "2023-01-29 2023-02-26 2023-04-02 2023-04-30 2023-05-28 2023-07-02 2023-07-30 2023-08-27 2023-10-01 "
        "2023-10-29 2023-11-26 2023-12-31 2024-02-04 2024-03-03 2024-04-07 2024-05-05 2024-06-02 2024-07-07 "
        "2024-08-04 2024-09-01 2024-10-06 2024-11-03 2024-12-01 2025-01-05 2025-02-02"
    )
    assert days(RETAIL)[12:] == tuple(published.split())


@given(
    st.sampled_from(["4-4-5", "4-5-4", "5-4-4"]),
    st.integers(1, 12),
    st.integers(1, 6),
    st.integers(0, 6),
    st.integers(1, 9),
)
def test_a_pattern_is_laid_out_week_by_week(
    pattern: str, week_53: int, every: int, shift: int, years: int
) -> None:
    """The months of a pattern are those of a walk, wherever the 53rd week goes, and equal to them by hand."""
    first, second, third = map(int, pattern.split("-"))
    walked = by_weeks((first, second, third), week_53, every, shift).days[: 12 * years + 1]
    last = date.fromisoformat(walked[-1]) - timedelta(days=1)
    head = f"dashpipe: 1\ncalendar: made\nlast_day: {last}\n"
    firsts = ", ".join(walked[:-1:12])
    assert days(f"{head}pattern: {pattern}\nweek_53: {week_53}\nyears: [{firsts}]\n") == walked
    assert days(f"{head}months: [{', '.join(walked[:-1])}]\n") == walked


def test_a_subject_holds_the_days_of_its_calendar(tmp_path: Path) -> None:
    """What the file says is in the subject and in its JSON form, so that a run needs no file."""
    files = {"metrics/calendars/retail.yml": RETAIL, "metrics/shop/monthly.yml": SUBJECT}
    made = project(tmp_path, files).resolved()
    assert made.findings == ()
    (subject,) = made.subjects
    assert subject.fiscal == Fiscal(days=days(RETAIL), name="retail", version=3)
    assert subject.calendar.fiscal == subject.fiscal
    assert codec.from_json(codec.to_json(subject)) == subject
    assert "metrics/calendars/retail.yml" in files_of(subject)


@pytest.mark.parametrize("folder", ["specs/all", "."])
def test_a_calendar_is_named_below_the_folder_of_the_specs(tmp_path: Path, folder: str) -> None:
    """The name of a calendar file does not change with that of the folder."""
    base = "" if folder == "." else f"{folder}/"
    source = "sources: [{name: here, collection: c, time: t, metrics: [{name: orders, type: count}]}]"
    text = SUBJECT.replace("sources: [orders]", source)
    files = {f"{base}calendars/retail.yml": RETAIL, f"{base}shop/monthly.yml": text}
    settings = f'metrics = "{folder}"\n[defaults]\nproject = "shop"\n'
    made = project(tmp_path, files, settings).resolved()
    assert [one.fiscal.name for one in made.subjects if one.fiscal is not None] == ["retail"]


def test_a_broken_calendar_breaks_what_uses_it(tmp_path: Path) -> None:
    """A subject whose calendar cannot be read is not run, and is not blamed for it."""
    other = SUBJECT.replace("monthly", "daily").replace("calendar: {file: calendars/retail.yml}\n", "")
    other = other.replace("[day, fiscal_month]", "[day]")
    files = {
        "metrics/calendars/retail.yml": RETAIL.replace("pattern: 4-5-4", "pattern: [4"),
        "metrics/shop/monthly.yml": SUBJECT,
        "metrics/shop/daily.yml": other,
    }
    made = project(tmp_path, files).resolved()
    assert made.findings == ()
    assert [one.name for one in made.subjects] == ["daily"]


def test_the_fingerprint_follows_the_days(tmp_path: Path) -> None:
    """Other days are other data; a calendar's name and version are words."""
    files = {"metrics/calendars/retail.yml": RETAIL, "metrics/shop/monthly.yml": SUBJECT}
    (subject,) = project(tmp_path, files).resolved().subjects
    assert subject.fiscal is not None
    before = codec.fingerprint(subject)
    renamed = codec.fingerprint(replace(subject, fiscal=replace(subject.fiscal, name="other", version=9)))
    assert (renamed["data"], renamed["checks"]) == (before["data"], before["checks"])
    assert renamed["meta"] != before["meta"]
    moved = replace(subject, fiscal=replace(subject.fiscal, days=(*subject.fiscal.days[:-1], "2025-02-09")))
    assert codec.fingerprint(moved)["data"] != before["data"]
    assert codec.fingerprint(replace(subject, fiscal=Fiscal(7)))["data"] != before["data"]
