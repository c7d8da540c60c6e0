"""The learning platform: the same again from the same seed, and every fault that it promises."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from dashpipe import demo

END = datetime(2026, 6, 1, 12, 0, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def made():
    """A platform that ends at a fixed instant."""
    return demo.platform(end=END)


def digest(platform):
    """A hash over all documents; by their text, since NaN is unlike itself."""
    return hashlib.sha256(repr(platform.collections()).encode()).hexdigest()[:16]


def test_same_seed_same_documents(made):
    """Seed, days, rows and end decide every document, on every Python and machine."""
    assert digest(demo.platform(end=END)) == digest(made)
    assert digest(demo.platform(seed=2, end=END)) != digest(made)
    assert digest(demo.platform(days=10, rows=5, end=END)) == "4ed62848fd4f52fb"


def test_size_follows_rows():
    """Lessons as asked plus the duplicates, a quarter as many reviews, an eighth as many enrolments."""
    small = demo.platform(rows=970, end=END)
    assert (len(small.lessons), len(small.reviews), len(small.enrolments)) == (980, 242, 121)
    assert len(demo.platform(rows=1, end=END).lessons) == 1


def test_all_happened_in_the_days_before_the_end(made):
    """No instant lies at or after the end, nor before the first day."""
    first = END - timedelta(days=240, seconds=1)
    for documents, name in (
        (made.lessons, "ended_at"),
        (made.reviews, "created_at"),
        (made.enrolments, "enrolled_at"),
    ):
        instants = [one[name] for one in documents if isinstance(one[name], datetime)]
        assert first <= min(instants) <= max(instants) < END
    assert max(one["modified_at"] for one in made.lessons) <= END


def test_ids_are_unique(made):
    """A duplicate row has an id of its own; its lesson number is the same."""
    for documents in made.collections().values():
        assert len({one["_id"] for one in documents}) == len(documents)
    twice = [n for n, count in Counter(one["lesson_no"] for one in made.lessons).items() if count == 2]
    assert len(twice) == 20_000 // 97


def test_faults_are_there(made):
    """Late, null, missing, mistyped and untimed rows, and a teacher whom no lookup finds."""
    lessons = made.lessons
    timed = [one for one in lessons if isinstance(one["ended_at"], datetime)]
    assert any(one["modified_at"] - one["ended_at"] > timedelta(days=3) for one in timed)
    assert 0 < len(lessons) - len(timed) < 0.001 * len(lessons)
    assert {type(one["duration_s"]) for one in lessons} == {int, str, float, type(None)}
    assert {type(one["student_id"]) for one in lessons} == {str, int}
    assert any(one["teacher"] == {} for one in lessons)
    completed = [one for one in lessons if one["status"] == "completed"]
    assert {type(one.get("score", "missing")) for one in completed} == {int, float, type(None), str}
    assert all(
        not isinstance(one.get("score"), str) for one in completed
    )  # the example fails on a mistyped score
    assert {type(one["stars"]) for one in made.reviews} == {int, str, type(None)}
    taught = {one["teacher"]["id"] for one in lessons if one["teacher"]}
    assert taught - {one["_id"] for one in made.teachers}


@pytest.mark.parametrize("end", [END, END.replace(month=1), END.replace(month=10)])
def test_clock_change_is_in_the_days(end):
    """Whatever the end, London's clocks change within the default days."""
    offsets = {
        one["ended_at"].astimezone(ZoneInfo("Europe/London")).utcoffset()
        for one in demo.platform(rows=2_000, end=end).lessons
        if isinstance(one["ended_at"], datetime)
    }
    assert len(offsets) == 2


def test_wrong_arguments_are_refused():
    """An end without time zone, no days, no rows: refused."""
    for wrong in ({"end": datetime(2026, 6, 1)}, {"end": END, "days": 0}, {"end": END, "rows": 0}):  # noqa: DTZ001
        with pytest.raises(ValueError, match="`"):
            demo.platform(**wrong)


def test_load_replaces_and_tells_progress(database):
    """Loading twice leaves one copy in each collection, with indexes on the times."""
    seen = []
    for _ in range(2):
        total = demo.load_learning(
            database, rows=2_500, end=END, on_progress=lambda done, total: seen.append((done, total))
        )
    assert seen[-1] == (total, total)
    made = demo.platform(rows=2_500, end=END).collections()
    assert {name: database[name].count_documents({}) for name in made} == {
        name: len(d) for name, d in made.items()
    }
    keys = [list(index["key"]) for index in database.lessons.list_indexes()]
    assert ["ended_at"] in keys
    assert ["modified_at"] in keys
