"""Structured log lines: an event in words, then its fields, one line each, through Python's own logging.

Airflow shows them in a task's log; the command line prints them to standard error.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

#: Says what happened: an event in words, and its fields.
Log = Callable[..., None]

_logger = logging.getLogger("dashpipe")


def line(event: str, fields: Mapping[str, Any]) -> str:
    """One line: ``window start=2024-03-01T00:00:00Z end=… why="the clock"``."""
    return " ".join(
        [event, *(f"{name}={text(value)}" for name, value in fields.items() if value is not None)]
    )


def text(value: Any) -> str:
    """A field's value: instants in UTC, lists joined by commas, text with blanks in quotes."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    if isinstance(value, (list, tuple)):
        return ",".join(text(one) for one in value) or "-"
    if isinstance(value, Mapping):
        return ",".join(f"{name}:{text(one)}" for name, one in value.items()) or "-"
    written = str(value)
    return f'"{written}"' if " " in written or not written else written


def to_logging(event: str, /, *, level: int = logging.INFO, **fields: Any) -> None:
    """Log a line with the logger ``dashpipe``."""
    _logger.log(level, "%s", line(event, fields))


def silent(event: str, /, *, level: int = logging.INFO, **fields: Any) -> None:
    """Say nothing."""
