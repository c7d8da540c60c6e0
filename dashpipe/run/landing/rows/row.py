"""What reading a file gives, row by row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

from dashpipe.run.errors import RunError

Document = dict[str, Any]

#: Longest line, in bytes: a document of MongoDB holds as much.
LONGEST = 16 * 1024 * 1024


class Row(NamedTuple):
    """A row: its number in the file (the first line's, where a row has several), and its values."""

    number: int
    values: Document


class Bad(NamedTuple):
    """A row that cannot be read: its number, and why."""

    number: int
    why: str


def lines(stream: BinaryIO, name: str) -> Iterator[bytes]:
    """The lines of a stream, each with its end.

    Raises:
        RunError: One is longer than a document can be.
    """
    number = 0
    while line := stream.readline(LONGEST + 1):
        number += 1
        if len(line) > LONGEST:
            raise RunError(
                f"{name}:{number}: this line is longer than {LONGEST // 1024 // 1024} MB",
                "no row is: see whether the file has the format that the spec says",
            )
        yield line
