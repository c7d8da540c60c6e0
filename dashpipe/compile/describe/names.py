"""What collections and partitions are called where a plan is shown."""

from __future__ import annotations

from datetime import date

from dashpipe.compile import partition, periods
from dashpipe.compile.plan import Plan
from dashpipe.spec.model import Env, EnvText, Grain
from dashpipe.spec.naming import collection_name

#: Local days ``[from, to)``.
Days = tuple[date, date]


def place(collection: EnvText) -> str:
    """A collection as a reader of the spec knows it: its name, or the variable and its default."""
    if isinstance(collection, Env):
        return f"${collection.name}" + (
            f" (default {collection.default})" if collection.default is not None else ""
        )
    return collection


def target_of(plan: Plan, grain: Grain) -> str:
    """The collection of a grain's rows."""
    return collection_name(place(plan.subject.target.collection), grain, plan.subject.version)


def sample_labels(plan: Plan, grain: Grain) -> tuple[str, ...]:
    """The first partition of a grain: literal bounds to show stages with, the same on every day."""
    subject = plan.subject
    start = partition.midnight(periods.day_of(subject.start), subject.timezone)
    return (partition.of_instant(grain, start, subject.calendar),)


def labels(plan: Plan, grain: Grain, days: Days | None) -> tuple[str, ...]:
    """The partitions of a grain that the local days ``[from, to)`` touch; of none, the first.

    Of a snapshot the last of them: a run writes only one.
    """
    if days is None:
        return sample_labels(plan, grain)
    start, end = (partition.midnight(one, plan.subject.timezone) for one in days)
    found = partition.touching(grain, start, end, plan.subject.calendar)
    return found[-1:] if plan.subject.snapshot else found
