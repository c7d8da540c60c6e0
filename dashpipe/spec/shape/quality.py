"""The keys of a check, by its type."""

from __future__ import annotations

from dashpipe.spec.shape.kinds import Flag, Key, Keys, ListOf, Number, Words, aliases
from dashpipe.spec.shape.metric import GRAIN
from dashpipe.spec.shape.texts import ID, REF

_BELOW = Key("below", Number(whole=False), "The lowest value that is still good.")
_ABOVE = Key("above", Number(whole=False), "The highest value that is still good.")
_SHARE = Key(
    "above", Number(whole=False), "The largest share of rows that is still good: 0 is none.", required=True
)
_HOURS = Key("hours", Number(whole=False), "The age in hours that is still good.", required=True)

_LEVELS = (("warn", "reported"), ("fail", "failed: the target stays untouched"))


def _bounds(*keys: Key) -> tuple[Key, ...]:
    some = () if any(one.required for one in keys) else tuple(one.name for one in keys)
    kind = Keys("limit", keys, some=some, later=("score",), short=keys[0].name)
    return tuple(Key(name, kind, f"The limits beyond which the run is {what}.") for name, what in _LEVELS)


_ROWS = (
    Key("grain", GRAIN, "The grain whose rows are judged.", default="the subject's first"),
    Key("incomplete", Flag(), "Judge the unfinished partition too.", default="false"),
)

_MISSING = Key("metric", REF, "The metric or dimension that may be null.", required=True)
_RANGE = Key("metric", REF, "The metric whose values are judged; null passes.", required=True)
_UNIQUE = Key("keys", ListOf(REF), "Columns that together occur once.", required=True)
_FRESH = Key("source", REF, "The source whose newest document is judged.", required=True)

CHECK = Keys(
    "check",
    (
        Key("id", ID, "The check's name in results and alerts.", required=True),
        Key(
            "type",
            Words(
                ("row_count", "missing", "range", "unique", "freshness"),
                also=aliases(
                    row_count="rows count rowcount volume",
                    missing="not_null null nulls completeness",
                    range="between min_max bounds accepted_range",
                    unique="uniqueness duplicates",
                    freshness="fresh age recency",
                ),
                later=("anomaly",),
            ),
            "What is judged.",
            required=True,
        ),
    ),
    by="type",
    variants=(
        ("row_count", (*_bounds(_BELOW, _ABOVE), *_ROWS)),
        ("missing", (_MISSING, *_bounds(_SHARE), *_ROWS)),
        ("range", (_RANGE, *_bounds(_BELOW, _ABOVE), *_ROWS)),
        ("unique", (_UNIQUE, *_bounds(_SHARE), *_ROWS)),
        ("freshness", (_FRESH, *_bounds(_HOURS))),
    ),
    some=("warn", "fail"),
)
