"""What the demo runs, and what it reads back: days, counts, and published numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from pymongo.database import Database

    from dashpipe.spec.model import Subject

#: The subjects of ``metrics/`` that the demo runs.
FLIGHTS = ("flights_ops_carrier_v1", "flights_ops_route_v1")
LEARNING = ("cv_dash_teacher_v1", "cv_dash_student_v1")

#: Days of the learning platform that are run.
DAYS = 14


@dataclass(frozen=True, slots=True)
class Job:
    """A DAG and the days that it is run for; ``end`` is exclusive."""

    dag_id: str
    start: date
    end: date

    @property
    def conf(self) -> dict[str, str]:
        """The conf of the run."""
        return {"from": self.start.isoformat(), "to": self.end.isoformat()}

    @property
    def days(self) -> str:
        """The days in words."""
        return f"{self.start} to {self.end - timedelta(days=1)}"


def jobs(subjects: Sequence[Subject], end: datetime) -> list[Job]:
    """January 2013 of the flights; the last whole local days before ``end`` of the learning platform."""
    by_id = {one.id: one for one in subjects}
    january = [Job(name, date(2013, 1, 1), date(2013, 2, 1)) for name in FLIGHTS]
    latest = []
    for name in LEARNING:
        zone = ZoneInfo(by_id[name].timezone)
        last = end.astimezone(zone).date()
        latest.append(Job(name, last - timedelta(days=DAYS), last))
    return january + latest


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did to its target, over all grains."""

    inserted: int
    changed: int
    same: int
    removed: int
    seconds: float

    @property
    def rows(self) -> int:
        """Rows that stand afterwards in what the run computed."""
        return self.inserted + self.changed + self.same

    @property
    def quiet(self) -> bool:
        """Whether it changed nothing."""
        return not (self.inserted or self.changed or self.removed)


def outcome(target: Database[dict[str, Any]], dag_id: str, run_id: str, seconds: float) -> Outcome:
    """What the run's record says that load did."""
    record = target["dashpipe_runs"].find_one({"_id": f"{dag_id}/{run_id}"}) or {}
    grains = record["receipts"]["load"]["counts"].values()
    counts = {name: sum(one[name] for one in grains) for name in ("inserted", "changed", "same", "removed")}
    return Outcome(**counts, seconds=seconds)


def carriers(target: Database[dict[str, Any]], most: int = 8) -> list[dict[str, Any]]:
    """January's rows of the carriers with the most flights."""
    found = target["ops_carrier_month"].find({"partition_date": "2013-01-01"})
    return list(found.sort([("flights", -1), ("carrier", 1)]).limit(most))


def cancelled_days(target: Database[dict[str, Any]]) -> list[tuple[str, float]]:
    """The share of January's flights cancelled, day by day: the carriers' counts, added up, then divided."""
    group = {"_id": "$partition_date", "part": {"$sum": "$cancelled"}, "whole": {"$sum": "$flights"}}
    days = target["ops_carrier"].aggregate(
        [
            {"$match": {"partition_date": {"$gte": "2013-01-01", "$lt": "2013-02-01"}}},
            {"$group": group},
            {"$sort": {"_id": 1}},
        ]
    )
    return [(one["_id"], one["part"] / one["whole"]) for one in days]


def teachers(target: Database[dict[str, Any]], job: Job, most: int = 5) -> list[dict[str, Any]]:
    """The teachers with the most minutes in the job's days: sums of the published days."""
    group = {
        "_id": "$teacher_id",
        "country": {"$first": "$country"},
        "lessons": {"$sum": "$lessons"},
        "minutes": {"$sum": "$minutes"},
    }
    rows = target["dash_teacher"].aggregate(
        [
            {"$match": {"partition_date": {"$gte": job.conf["from"], "$lt": job.conf["to"]}}},
            {"$group": group},
            {"$sort": {"minutes": -1, "_id": 1}},
            {"$limit": most},
        ]
    )
    return list(rows)
