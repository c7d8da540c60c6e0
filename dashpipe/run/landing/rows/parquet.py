"""Rows of a Parquet file, read batch by batch; its columns have types of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any, BinaryIO

from dashpipe.run.errors import Refused, RunError
from dashpipe.run.landing.rows.row import Bad, Row
from dashpipe.run.landing.rows.values import decimal, from_text, is_long

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from dashpipe.spec.model import File

_BATCH = 1000


def read(
    stream: BinaryIO, name: str, _file: File, types: Mapping[str, str], zone: ZoneInfo | None
) -> Iterator[Row | Bad]:
    """The rows of a Parquet file, which must be seekable.

    Raises:
        Refused: pyarrow is not installed.
        RunError: It is no Parquet file.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise Refused(f"{name} is Parquet, which needs pyarrow", "install dashpipe[parquet]") from None
    number = 0
    try:
        for batch in parquet.ParquetFile(stream).iter_batches(batch_size=_BATCH):
            for values in _micro(batch, pa).to_pylist():
                number += 1
                try:
                    yield Row(
                        number, {key: _made(one, key, types, zone) for key, one in _named(values).items()}
                    )
                except ValueError as error:
                    yield Bad(number, str(error))
    except (pa.ArrowException, OSError) as error:
        after = f" after row {number}" if number else ""
        text = str(error).partition("\n")[0].rstrip(".")
        help = "let it be written again, or name another `format` if it is no Parquet file"
        raise RunError(f"{name} cannot be read as Parquet{after}: {text}", help, retry=True) from error


def _micro(batch: Any, pa: Any) -> Any:
    """The batch with its times to the microsecond: Python has no finer ones, MongoDB keeps milliseconds."""
    for at, field in enumerate(batch.schema):
        if pa.types.is_timestamp(field.type) and field.type.unit == "ns":
            fit = pa.timestamp("us", field.type.tz)
            batch = batch.set_column(at, field.name, batch.column(at).cast(fit, safe=False))
    return batch


def _named(values: dict[str, Any]) -> dict[str, Any]:
    """A row with columns that are paths as documents in documents."""
    made: dict[str, Any] = {}
    for name, value in values.items():
        *outer, last = name.split(".")
        here = made
        for step in outer:
            here = here.setdefault(step, {})
            if not isinstance(here, dict):
                raise ValueError(f"`{name}` lies within a value")
        if not all((*outer, last)) or any(step.startswith("$") for step in (*outer, last)):
            raise ValueError(f"`{name}` is no name that a field can have")
        here[last] = value
    return made


def _made(value: Any, path: str, types: Mapping[str, str], zone: ZoneInfo | None) -> Any:
    if isinstance(value, dict):
        return {key: _made(one, f"{path}.{key}", types, zone) for key, one in value.items()}
    if isinstance(value, list):
        return [_made(one, path, types, zone) for one in value]
    type_ = types.get(path, "")
    if isinstance(value, str):
        return from_text(value, type_, zone) if type_ in ("date", "decimal", "object_id") else value
    if isinstance(value, Decimal):
        exact = decimal(value)
        if exact is None:
            raise ValueError(f"`{path}` has more digits than a decimal holds")
        return exact
    if isinstance(value, datetime):
        return _instant(value, zone)
    if isinstance(value, date):
        return from_text(value.isoformat(), type_, zone) if type_ == "date" else value.isoformat()
    if isinstance(value, (time, timedelta)):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool) and not is_long(value):
        raise ValueError(f"`{path}` is beyond 64 bits")
    return value


def _instant(value: datetime, zone: ZoneInfo | None) -> Any:
    """The instant of a time; one without an offset is read in the zone, else stays text: it says none."""
    if value.tzinfo is None:
        if zone is None:
            return value.isoformat()
        value = value.replace(tzinfo=zone)
    return value.astimezone(timezone.utc)
