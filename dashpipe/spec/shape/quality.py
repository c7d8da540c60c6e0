"""The keys of a check, by its type."""

from __future__ import annotations

from dashpipe.spec.shape.kinds import Either, Flag, Key, Keys, ListOf, Number, Words, aliases
from dashpipe.spec.shape.texts import ID, PATH, REF
from dashpipe.spec.shape.words import GRAIN

_BELOW = Key("below", Number(whole=False), "The lowest value that is still good.")
_ABOVE = Key("above", Number(whole=False), "The highest value that is still good.")
_SHARE = Key(
    "above", Number(whole=False), "The largest share of rows that is still good: 0 is none.", required=True
)
_SHARE_OF_VALUES = Key(
    "above", Number(whole=False), "The largest share of values that is still good: 0 is none."
)
_VALUES = Key("values", Number(least=0), "The largest number of values that is still good.")
_HOURS = Key("hours", Number(whole=False), "The age in hours that is still good.", required=True)

_LEVELS = (("warn", "reported"), ("fail", "failed: the target stays untouched"))


def _bounds(*keys: Key) -> tuple[Key, ...]:
    some = () if any(one.required for one in keys) else tuple(one.name for one in keys)
    days = (("days", "write `hours`: a day has 24"),) if _HOURS in keys else ()
    kind = Keys("limit", keys, some=some, later=("score",), short=keys[0].name, foreign=days)
    return tuple(Key(name, kind, f"The limits beyond which the run is {what}.") for name, what in _LEVELS)


_ROWS = (
    Key("grain", GRAIN, "The grain whose rows are judged.", default="the subject's first"),
    Key("incomplete", Flag(), "Judge the unfinished partition too.", default="false"),
)

_MISSING = Key("metric", REF, "The metric or dimension that may be null.", required=True)
_RANGE = Key("metric", REF, "The metric whose values are judged; null passes.", required=True)
_UNIQUE = Key("keys", ListOf(REF), "Columns that together occur once.", required=True)
_FRESH = Key("source", REF, "The source whose newest document is judged.", required=True)
_COUNT = Words(
    ("missing", None, "null", "mistyped", "nan"),
    also=aliases(
        missing="absent undefined",
        null="nulls none nil empty",
        mistyped="wrong_type type invalid type_error",
        nan="infinite infinity not_a_number",
    ),
)
_OF_SOURCE = (
    Key("source", REF, "The source whose documents are judged, before its `where`.", required=True),
    Key(
        "field",
        PATH,
        "The field whose values are counted: a declared one, or one that is read.",
        required=True,
    ),
    Key(
        "counts",
        Either((_COUNT, ListOf(_COUNT))),
        "Which values are counted: `missing` (no such field), `null`, `mistyped`, or `nan` (NaN and "
        "±Infinity, which are mistyped too). One of them, or a list.",
        required=True,
    ),
)

CHECK = Keys(
    "check",
    (
        Key("id", ID, "The check's name in results and alerts.", required=True),
        Key(
            "type",
            Words(
                ("row_count", "missing", "range", "unique", "freshness", "values"),
                also=aliases(
                    row_count="rows count rowcount volume",
                    missing="not_null null nulls completeness",
                    range="between min_max bounds accepted_range",
                    unique="uniqueness duplicates",
                    freshness="fresh age recency",
                    values="types fields schema mistyped type_errors",
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
        ("values", (*_OF_SOURCE, *_bounds(_SHARE_OF_VALUES, _VALUES), _ROWS[1])),
    ),
    some=("warn", "fail"),
)
