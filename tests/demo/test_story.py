"""What the demo runs and reads back: local days, counts over grains, sums of published days."""

from __future__ import annotations

from datetime import date, datetime, timezone

import pytest

from dashpipe.demo import story
from dashpipe.demo.play import words
from dashpipe.spec.project import load
from tests.docs.fences import ROOT


@pytest.fixture(scope="module")
def subjects():
    """The subjects of this repository's metrics."""
    return load(ROOT).resolved().subjects


def test_flights_run_january(subjects):
    """The flights are run for January 2013, whatever the end is."""
    jobs = story.jobs(subjects, datetime(2026, 6, 1, tzinfo=timezone.utc))
    assert [(one.dag_id, one.conf) for one in jobs[:2]] == [
        (name, {"from": "2013-01-01", "to": "2013-02-01"}) for name in story.FLIGHTS
    ]


@pytest.mark.parametrize(
    ("end", "shanghai", "london"),
    [
        # In Shanghai it is 08:00 on the 1st of June, in London 01:00: these days are not over.
        (datetime(2026, 6, 1, tzinfo=timezone.utc), date(2026, 6, 1), date(2026, 6, 1)),
        (datetime(2026, 5, 31, 20, tzinfo=timezone.utc), date(2026, 6, 1), date(2026, 5, 31)),
        # Midnight in London: the 31st of May is over.
        (datetime(2026, 5, 31, 23, tzinfo=timezone.utc), date(2026, 6, 1), date(2026, 6, 1)),
    ],
)
def test_learning_runs_the_last_local_days(subjects, end, shanghai, london):
    """The learning platform is run for the 14 local days that were over at its newest instant."""
    teacher, student = story.jobs(subjects, end)[2:]
    assert (teacher.end, (teacher.end - teacher.start).days) == (shanghai, 14)
    assert (student.end, (student.end - student.start).days) == (london, 14)


def test_outcome_adds_the_grains(database):
    """A run's outcome is the sum of what load did at each grain."""
    grains = {
        "day": {"inserted": 3, "changed": 0, "same": 4, "removed": 1},
        "month": {"inserted": 1, "changed": 2, "same": 0, "removed": 0},
    }
    database["dashpipe_runs"].insert_one({"_id": "a_v1/r1", "receipts": {"load": {"counts": grains}}})
    found = story.outcome(database, "a_v1", "r1", 2.0)
    assert (found.inserted, found.changed, found.same, found.removed, found.rows) == (4, 2, 4, 1, 10)
    assert not found.quiet
    assert words(found) == "4 inserted, 2 changed, 1 removed, 4 same"
    assert words(story.Outcome(0, 0, 7, 0, 1.0)) == "nothing changed"


def test_cancelled_days_divide_sums(database):
    """A day's share is cancelled flights over flights of all carriers, not a mean of their rates."""
    database["ops_carrier"].insert_many(
        [
            {"partition_date": "2013-01-01", "cancelled": 1, "flights": 2},
            {"partition_date": "2013-01-01", "cancelled": 0, "flights": 98},
            {"partition_date": "2013-01-02", "cancelled": 3, "flights": 30},
            {"partition_date": "2013-02-01", "cancelled": 9, "flights": 9},
        ]
    )
    assert story.cancelled_days(database) == [("2013-01-01", 0.01), ("2013-01-02", 0.1)]
