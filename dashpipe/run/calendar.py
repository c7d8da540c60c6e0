"""What a run asks of the subject's calendar: that it covers the run, and is the one of the rows before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from dashpipe.compile import partition, periods
from dashpipe.run import ledger, state
from dashpipe.run.base import Session
from dashpipe.run.errors import Refused
from dashpipe.spec.model import FISCAL, Grain, Subject

_TICK = timedelta(milliseconds=1)  # the step of a stored instant


@contextmanager
def covered() -> Iterator[None]:
    """Refuse what comes to a day that the calendar file does not have.

    Raises:
        Refused: A partition lies outside of it.
    """
    try:
        yield
    except periods.OutsideCalendar as error:
        raise Refused(error.message, error.help) from error


def check(session: Session, subject: Subject) -> None:
    """Refuse a calendar by which stored partitions are none any more, or end on another day.

    Rows of two calendars side by side would count documents twice, or never. What is added at a calendar's
    end, and any change of periods that are not stored yet, is fine.

    Raises:
        Refused: The weeks or fiscal periods that are stored are not those of the subject.
    """
    calendar = subject.calendar
    for grain in subject.grains:
        if grain not in FISCAL and grain is not Grain.WEEK:
            continue
        written = {"$in": [ledger.PUBLISHED, ledger.LOADED, ledger.STALE]}
        wanted: dict[str, Any] = {"subject": subject.id, "grain": grain.value, "state": written}
        for row in session.target[state.PARTITIONS].find(wanted, {"label": 1, "end": 1}):
            label = row["label"]
            stored = partition.local_date(row["end"] - _TICK, subject.timezone)
            if not periods.covers(grain, periods.day_of(label), calendar):
                now = "is outside of it"
            elif periods.of_date(grain, periods.day_of(label), calendar) != label:
                now = f"is part of that of {periods.of_date(grain, periods.day_of(label), calendar)}"
            elif (last := periods.last_day(grain, label, calendar)) != stored:
                now = f"ends on {last}"
            else:
                continue
            raise Refused(
                f"the calendar of {subject.id} changed: the {grain.value} from {label} to {stored} is "
                f"stored, and now it {now}",
                "rows by two calendars must not mix: give the subject the next `version`, in a file of its "
                "own, or bring the calendar back",
            )
