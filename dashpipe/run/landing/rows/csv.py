"""Rows of a CSV file: the first line names the columns, and every value has its field's declared type."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO

from dashpipe.run.errors import RunError
from dashpipe.run.landing.rows.row import Bad, Document, Row, lines
from dashpipe.run.landing.rows.values import from_text

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from dashpipe.spec.model import File

#: Where the bytes that an encoding does not know go: no text of a file has these.
_BROKEN = range(0xDC80, 0xDD00)


def read(
    stream: BinaryIO, name: str, file: File, types: Mapping[str, str], zone: ZoneInfo | None
) -> Iterator[Row | Bad]:
    """The rows of a CSV file.

    Args:
        stream: Its bytes.
        name: Its name, for messages.
        file: How it is written.
        types: The declared type of each field.
        zone: The zone of times without an offset.

    Raises:
        RunError: The names of its columns are not fit.
    """
    encoding = "utf-8-sig" if file.encoding == "utf-8" else file.encoding
    first = True

    def text() -> Iterator[str]:
        nonlocal first
        for line in lines(stream, name):
            yield line.decode(encoding if first else file.encoding, "surrogateescape")
            first = False

    reader = csv.reader(text(), delimiter=file.delimiter, strict=True)
    header: list[str] | None = None
    columns: list[tuple[list[str], str]] = []
    nulls = frozenset(("", *file.nulls))
    while True:
        number = reader.line_num + 1
        try:
            values = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            yield Bad(number, _said(error))
            continue
        if header is None:
            header = _header(values, name)
            columns = [(one.split("."), types.get(one, "string")) for one in header]
            continue
        if not values:
            continue  # an empty line
        broken = next((at for at, one in enumerate(values) if _is_broken(one)), None)
        if broken is not None:
            yield Bad(number, f"column {broken + 1} is not {file.encoding}")
        elif len(values) != len(header):
            yield Bad(number, f"it has {len(values)} values, and the first line names {len(header)}")
        else:
            document: Document = {}
            for (path, type_), value in zip(columns, values):
                _put(document, path, None if value in nulls else from_text(value, type_, zone))
            yield Row(number, document)
    if header is None:
        raise RunError(f"{name} is empty", "its first line names the columns")


def _header(names: list[str], name: str) -> list[str]:
    """The names of the columns, which may be paths.

    Raises:
        RunError: One is missing, is there twice, or cannot be a field.
    """
    names = [one.strip() for one in names]
    seen: set[str] = set()
    for at, one in enumerate(names):
        steps = one.split(".")
        place = f"{name}:1: column {at + 1}"
        if not all(steps) or any(step.startswith("$") for step in steps) or "\0" in one or _is_broken(one):
            raise RunError(f"{place} has no name that a field can have", "the first line names the columns")
        parents = {".".join(steps[:end]) for end in range(1, len(steps) + 1)}
        if parents & seen or any(other.startswith(f"{one}.") for other in seen):
            raise RunError(f"{place}, `{one}`, is there twice", "give each column a name of its own")
        seen.add(one)
    return names


def _put(document: Document, path: list[str], value: Any) -> None:
    for step in path[:-1]:
        document = document.setdefault(step, {})
    document[path[-1]] = value


def _is_broken(text: str) -> bool:
    return not text.isascii() and any(ord(sign) in _BROKEN for sign in text)


def _said(error: csv.Error) -> str:
    text = str(error)
    if "end of data" in text or "expected after" in text:
        return f"its quotes do not match ({text})"
    return text
