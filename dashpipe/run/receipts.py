"""Receipts as they are handed back: JSON, with the window and the partitions of the run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from bson.decimal128 import Decimal128

from dashpipe.run.base import Run

Document = dict[str, Any]


def window(run: Run) -> Document:
    """The window of a run, and what gave its end."""
    return {"start": run.window.start, "end": run.window.end, "why": run.window.why, "as_of": run.as_of}


def partitions(run: Run) -> Document:
    """How many partitions a run has, a grain, from which to which."""
    return {
        grain.value: {"n": len(some), "first": some[0] if some else None, "last": some[-1] if some else None}
        for grain, some in run.partitions.items()
    }


def plain(value: Any) -> Any:
    """A value as JSON takes it: instants as ISO text in UTC, decimals as text, tuples as lists."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, (Decimal, Decimal128)):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(plain(name)): plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(one) for one in value]
    return value
