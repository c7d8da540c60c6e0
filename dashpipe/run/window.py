"""The window of a run: which partitions a request asks for. Pure: no database, no clock.

A window names partitions. It is counted in local dates and converted once to UTC instants, so that days of 23
and 25 hours are right, and never cuts a partition: each that it touches is computed whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

from dashpipe.compile import partition, periods
from dashpipe.run.base import Request, Window
from dashpipe.run.errors import Refused
from dashpipe.spec.model import Grain, Lookback, Subject

Span = tuple[datetime, datetime]

_TICK = timedelta(milliseconds=1)  # the step of a stored instant


def lookback(subject: Subject, environ: Mapping[str, str]) -> Lookback:
    """The days to compute again: of the spec, else ``LOOKBACK_DAYS``, else of dashpipe.toml, else three.

    Raises:
        Refused: ``LOOKBACK_DAYS`` is no number of days.
    """
    if subject.lookback is not None and not subject.lookback.default:
        return subject.lookback
    text = environ.get("LOOKBACK_DAYS", "").strip()
    if not text:
        return subject.lookback or Lookback()
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 3660):
        raise Refused(
            "the variable LOOKBACK_DAYS is no number of days",
            "write a whole number of 1 to 3660; with 0 a day would never be complete",
        )
    return Lookback(dense=int(text))


def choose(
    request: Request, subject: Subject, back: Lookback, as_of: datetime, upstream: Iterable[Span] = ()
) -> Window:
    """The window that a request asks for; ``end`` is the first there is of the rules of the design.

    Args:
        request: What was asked for.
        subject: The subject, for its time zone and its start.
        back: The lookback.
        as_of: The instant at which the run began.
        upstream: What the upstream subjects published since this subject's last publish, as UTC ranges.

    Raises:
        Refused: ``from`` and ``to`` do not go together, or lie where nothing can be written.
    """
    if request.start is not None or request.end is not None:
        return _named(request.start, request.end, subject, as_of)
    spans = merged(upstream)
    if request.kind == "manual" and request.logical_date is not None:
        return _back(request.logical_date, "the logical date of a manual run", subject, back)
    if request.kind in ("scheduled", "backfill") and request.interval_end is not None:
        return _back(
            request.interval_end, f"the end of the data interval of a {request.kind} run", subject, back
        )
    if request.kind == "asset" and spans:
        why = f"what {', '.join(request.upstream) or 'upstream'} published since the last run"
        return _back(min(spans[-1][1], as_of), why, subject, back, spans)
    if request.kind == "asset":
        return _back(as_of, "the clock, since upstream published nothing new", subject, back)
    return _back(as_of, "the clock", subject, back)


def labels(subject: Subject, window: Window, as_of: datetime) -> dict[Grain, tuple[str, ...]]:
    """The partitions that a window touches, a grain, in time order.

    Those before the one that holds ``start`` are not written, what begins at or after ``as_of`` is not yet.
    """
    found: dict[Grain, tuple[str, ...]] = {}
    for grain in subject.grains:
        first = first_instant(subject, grain)
        touched: set[str] = set()
        for start, end in ((window.start, window.end), *window.also):
            touched.update(partition.touching(grain, max(start, first), min(end, as_of), subject.calendar))
        found[grain] = partition.ordered(grain, touched, subject.calendar)
    return found


def ended(subject: Subject, grain: Grain, as_of: datetime, days: int) -> tuple[str, ...]:
    """The partitions since ``start`` that ended at most some days before ``as_of``, by the local clock."""
    tz = subject.timezone
    oldest = (as_of.astimezone(partition.zone(tz)) - timedelta(days=days)).astimezone(partition.UTC)
    first = first_instant(subject, grain)
    calendar = subject.calendar
    around = partition.touching(grain, max(oldest - _TICK, first), as_of, calendar)
    return tuple(label for label in around if oldest <= partition.bounds(grain, label, calendar)[1] <= as_of)


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Ranges in time order, those that meet joined."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return tuple(joined)


def first_instant(subject: Subject, grain: Grain) -> datetime:
    """The instant at which the first partition that is written begins: the one that holds ``start``."""
    day = date.fromisoformat(subject.start)
    if grain is not Grain.HOUR:
        day = periods.first_day(grain, day, subject.calendar)
    return partition.midnight(day, subject.timezone)


def _named(start: date | None, end: date | None, subject: Subject, as_of: datetime) -> Window:
    """The window of ``from`` and ``to``: exactly these local days."""
    if start is None or end is None:
        missing, given = ("from", "to") if start is None else ("to", "from")
        raise Refused(
            f"there is a `{given}` without a `{missing}`", "give both; `to` is the day after the last one"
        )
    if end <= start:
        raise Refused(
            f"`to` ({end}) is not after `from` ({start})",
            f"`to` is the day after the last one: {start + timedelta(days=1)} for that one day",
        )
    if start < date.fromisoformat(subject.start):
        raise Refused(
            f"`from` ({start}) is before the start of {subject.id} ({subject.start})",
            "ask for later days, or set an earlier `start` in the spec",
        )
    first = partition.midnight(start, subject.timezone)
    if first >= as_of:
        raise Refused(f"{start} has not begun in {subject.timezone}", "ask for days up to today")
    return Window(first, partition.midnight(end, subject.timezone), "`from` and `to`")


def _back(end: datetime, why: str, subject: Subject, back: Lookback, spans: tuple[Span, ...] = ()) -> Window:
    """The window from a lookback before ``end`` to ``end``."""
    tz = subject.timezone
    end = end.astimezone(partition.UTC)
    day = partition.local_date(end, tz)

    def midnight(days: int) -> datetime:
        return partition.midnight(day - timedelta(days=days), tz)

    single = tuple((midnight(days), midnight(days - 1)) for days in back.sparse)
    return Window(midnight(back.dense), end, why, merged((*single, *spans)))
