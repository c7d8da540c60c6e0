"""The rows of a file as documents to land, or why they are none."""

from __future__ import annotations

from collections.abc import Iterator

from dashpipe.run.landing import files, rows
from dashpipe.run.landing.identity import Item, item
from dashpipe.run.landing.reading import types_of, zone_of
from dashpipe.run.landing.rows import Bad
from dashpipe.spec.model import File, Source


def read(source: Source, file: File, found: files.Found) -> Iterator[Item | Bad]:
    """The rows of one of a source's files, in order.

    Raises:
        Refused: There is no such zone, or what reads the format is not installed.
        RunError: It cannot be read as what the spec says that it is.
    """
    types, zone = types_of(source), zone_of(file.timezone)
    with files.opened(found, seekable=file.format == "parquet") as stream:
        for row in rows.read(stream, found.name, file, types, zone):
            if isinstance(row, Bad):
                yield row
                continue
            try:
                made: Item | Bad = item(row.values, found.name, row.number, file.key)
            except ValueError as error:
                made = Bad(row.number, str(error))
            yield made
