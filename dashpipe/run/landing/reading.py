"""How values are read, whatever brings them: the types of fields, and the zone of times without an offset."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from dashpipe.run.errors import Refused
from dashpipe.spec.model import Source

#: What a time is stored as, where its field has no type of its own.
_TIMES = {
    "date": "date",
    "iso": "string",
    "epoch_s": "number",
    "epoch_ms": "integer",
    "object_id": "object_id",
}


def types_of(source: Source) -> dict[str, str]:
    """The type of each field, as declared, and of times as they are read."""
    times = [one for one in (source.time, source.updated) if one is not None]
    return {one.field: _TIMES[one.kind] for one in times} | {one.path: one.type for one in source.fields}


def zone_of(name: str | None) -> ZoneInfo | None:
    """The zone of times without an offset.

    Raises:
        Refused: There is no such zone.
    """
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        raise Refused(f"there is no time zone `{name}`", "write an IANA name: Asia/Shanghai") from None
