"""What a server can do, told by known answers: each probe is a pipeline whose right result is known.

Versions lie (an engine in use truncates dates wrongly without an error), so a wrong answer counts as lacking.
The probes are data; ``dashpipe.run`` runs them once per server build.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

from dashpipe.compile.lowering import COSTS, PERCENTILE, UNION_WITH, WINDOW_FIELDS


@dataclass(frozen=True, slots=True)
class Probe:
    """A capability: its name, the pipeline to run over ``DOCUMENT``, and the known answer.

    ``cost`` says what a run does instead; empty where dashpipe cannot work without it.
    """

    name: str
    stages: tuple[dict[str, Any], ...]
    answer: tuple[dict[str, Any], ...]
    cost: str = ""


#: The one document that probes run over.
DOCUMENT: dict[str, Any] = {
    "_id": 1,
    "t": datetime(2024, 3, 31, 1, 30, tzinfo=timezone.utc),
    "n": 3,
    "s": "a|b\\c",
}

_INSTANTS = (
    (datetime(2024, 3, 31, 0, 59, tzinfo=timezone.utc), "Europe/London", "2024-03-31T00+0000"),
    (datetime(2024, 3, 31, 1, 0, tzinfo=timezone.utc), "Europe/London", "2024-03-31T02+0100"),
    (datetime(2024, 10, 27, 1, 30, tzinfo=timezone.utc), "Europe/London", "2024-10-27T01+0000"),
    (datetime(2024, 11, 3, 5, 30, tzinfo=timezone.utc), "America/New_York", "2024-11-03T01-0400"),
    (datetime(2024, 11, 3, 6, 30, tzinfo=timezone.utc), "America/New_York", "2024-11-03T01-0500"),
    (datetime(2024, 4, 6, 15, 15, tzinfo=timezone.utc), "Australia/Lord_Howe", "2024-04-07T01+1030"),
    (datetime(2023, 12, 31, 18, 15, tzinfo=timezone.utc), "Asia/Kathmandu", "2024-01-01T00+0545"),
    (datetime(1999, 12, 31, 16, 0, tzinfo=timezone.utc), "Asia/Shanghai", "2000-01-01T00+0800"),
)


def _labels(instants: tuple[tuple[datetime, str, str], ...]) -> list[Any]:
    form = "%Y-%m-%dT%H%z"
    return [{"$dateToString": {"date": at, "format": form, "timezone": tz}} for at, tz, _ in instants]


def _plain(text: str) -> Any:
    return {"$add": [{"$divide": [Decimal(text), Decimal("1." + "0" * 33)]}, Decimal(0)]}


#: Every probe, in the order in which ``doctor`` shows them.
PROBES: tuple[Probe, ...] = (
    Probe(
        "date_to_string",
        ({"$project": {"v": _labels(_INSTANTS)}},),
        ({"_id": 1, "v": [label for _, _, label in _INSTANTS]},),
    ),
    Probe(
        "date_subtract",
        ({"$project": {"v": {"$dateSubtract": {"startDate": "$t", "unit": "day", "amount": 6}}}},),
        ({"_id": 1, "v": datetime(2024, 3, 25, 1, 30, tzinfo=timezone.utc)},),
    ),
    Probe(
        "replace_all",
        ({"$project": {"v": {"$replaceAll": {"input": "$s", "find": "|", "replacement": "\\p"}}}},),
        ({"_id": 1, "v": "a\\pb\\c"},),
    ),
    Probe(
        "decimal_plain_form",
        ({"$project": {"v": [_plain(one) for one in ("3.30", "0.00", "1E+2", "-7.000")]}},),
        ({"_id": 1, "v": [Decimal("3.3"), Decimal(0), Decimal(100), Decimal(-7)]},),
    ),
    Probe(
        "union_with",
        ({"$unionWith": {"coll": "$SCRATCH", "pipeline": []}}, {"$group": {"_id": None, "n": {"$sum": 1}}}),
        ({"_id": None, "n": 2},),
        COSTS[UNION_WITH],
    ),
    Probe(
        "window_fields",
        (
            {
                "$setWindowFields": {
                    "sortBy": {"_id": 1},
                    "output": {"v": {"$sum": "$n", "window": {"documents": ["unbounded", "current"]}}},
                }
            },
            {"$project": {"v": 1}},
        ),
        ({"_id": 1, "v": 3},),
        COSTS[WINDOW_FIELDS],
    ),
    Probe(
        "percentile",
        (
            {
                "$group": {
                    "_id": None,
                    "v": {"$percentile": {"input": "$n", "p": [0.5], "method": "approximate"}},
                }
            },
        ),
        ({"_id": None, "v": [3.0]},),
        COSTS[PERCENTILE] + " (MongoDB 7.0 has it)",
    ),
)
