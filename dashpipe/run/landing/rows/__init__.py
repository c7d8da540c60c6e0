"""Rows of files: one module a format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, BinaryIO

from dashpipe.run.landing.rows.row import Bad, Row

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from dashpipe.spec.model import File

__all__ = ["Bad", "Row", "read"]


def read(
    stream: BinaryIO, name: str, file: File, types: Mapping[str, str], zone: ZoneInfo | None
) -> Iterator[Row | Bad]:
    """The rows of a file in its format, in order.

    Raises:
        RunError: It cannot be read as that.
    """
    if file.format == "csv":
        from dashpipe.run.landing.rows import csv

        return csv.read(stream, name, file, types, zone)
    if file.format == "jsonl":
        from dashpipe.run.landing.rows import json

        return json.read(stream, name, file, types, zone)
    from dashpipe.run.landing.rows import parquet

    return parquet.read(stream, name, file, types, zone)
