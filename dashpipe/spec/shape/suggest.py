"""What an unknown key was probably meant to be. Loaded only where there is one."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from dashpipe.spec.diagnostic import Edit, Fix
from dashpipe.spec.odd import short
from dashpipe.spec.shape.kinds import Cases, Either, Keys, Kind, ListOf
from dashpipe.spec.shape.wording import article

if TYPE_CHECKING:
    from dashpipe.spec.node import Entry

#: What other tools call it → what it may be here; the first that is a key of the place counts.
_ALSO: dict[str, tuple[str, ...]] = {
    "agg": ("type",),
    "aggregate": ("type",),
    "aggregation": ("type",),
    "alias": ("as",),
    "assertions": ("checks",),
    "by": ("dimensions",),
    "column": ("expr", "field"),
    "columns": ("fields", "dimensions"),
    "condition": ("where",),
    "coll": ("collection",),
    "cron": ("schedule",),
    "cron_expression": ("schedule",),
    "dataset": ("collection", "sources"),
    "datasource": ("sources",),
    "default_value": ("empty", "default"),
    "den": ("denominator",),
    "desc": ("description",),
    "destination": ("target",),
    "details": ("description",),
    "doc": ("description",),
    "docs": ("description",),
    "email": ("owner",),
    "error": ("fail",),
    "expression": ("expr",),
    "field": ("expr", "fields"),
    "filter": ("where",),
    "filters": ("where",),
    "formula": ("expr",),
    "freq": ("schedule",),
    "frequency": ("schedule",),
    "from": ("collection", "sources"),
    "from_field": ("foreign",),
    "function": ("type",),
    "granularity": ("grains",),
    "granularities": ("grains",),
    "grain": ("grains", "grain"),
    "group_by": ("dimensions",),
    "groupby": ("dimensions",),
    "grouping": ("dimensions",),
    "high": ("above",),
    "id": ("name", "subject"),
    "index": ("queries",),
    "indexes": ("queries",),
    "interval": ("schedule",),
    "is_hidden": ("hidden",),
    "join": ("lookup",),
    "limit": ("k",),
    "n": ("k",),
    "kind": ("type",),
    "key": ("keys", "dimensions"),
    "label": ("description",),
    "local_field": ("key",),
    "lookback": ("lookback_days",),
    "lookback_window": ("lookback_days",),
    "low": ("below",),
    "maintainer": ("owner",),
    "max": ("above",),
    "max_age": ("hours",),
    "maximum": ("above",),
    "measure": ("metrics", "metric"),
    "measures": ("metrics",),
    "metric": ("metrics",),
    "min": ("below",),
    "minimum": ("below",),
    "name": ("subject", "model", "id"),
    "num": ("numerator",),
    "on": ("foreign", "key"),
    "output": ("target",),
    "predicate": ("where",),
    "quality": ("checks",),
    "query": ("queries",),
    "retention": ("retention_days",),
    "retry": ("retries",),
    "schedule_interval": ("schedule",),
    "severity": ("fail", "warn"),
    "sink": ("target",),
    "source": ("sources",),
    "sql": ("expr",),
    "start_date": ("start",),
    "table": ("collection",),
    "team": ("owner",),
    "tests": ("checks",),
    "time_column": ("time",),
    "time_dimension": ("time",),
    "time_field": ("time",),
    "time_zone": ("timezone",),
    "timeout": ("step_timeout",),
    "timestamp": ("time",),
    "title": ("description",),
    "ttl": ("retention_days",),
    "ttl_days": ("retention_days",),
    "tz": ("timezone",),
    "updated_at": ("updated",),
    "uri": ("connection",),
    "url": ("connection",),
    "value": ("expr",),
    "value_field": ("field",),
    "warning": ("warn",),
    "week_starts_on": ("week_start",),
}

#: Key → what to do where it stands in a metric of another type.
_OTHER_TYPE = {
    (
        "ratio",
        "expr",
    ): "arithmetic over metrics is `type: derived`; a ratio has `numerator` and `denominator`",
    ("first", "order_by"): "take it out: the first is that by the `time` of the source",
    ("last", "order_by"): "take it out: the last is that by the `time` of the source",
    ("derived", "numerator"): "write the division in `expr`, or `type: ratio`",
    ("derived", "denominator"): "write the division in `expr`, or `type: ratio`",
}

_Found = tuple[str, str, str, set[str], "Fix | None"]


def unknown_key(entry: Entry, kind: Keys, variant: str | None, outer: list[tuple[str, Keys]]) -> _Found:
    """What to say of a key that a mapping does not have.

    Args:
        entry: The key with its value.
        kind: The mapping's keys.
        variant: Its type, where it has one.
        outer: The mappings around it, the outermost first, each with the key that it stands under.

    Returns:
        Code, message, help, the keys it was probably meant for, and a safe change.
    """
    name = entry.name
    table = kind.of(variant)
    written = f"`{short(name)}`"
    if name in kind.later:
        return (
            "S108",
            f"{written} comes in a later version",
            "take it out: this version does not have it",
            set(),
            None,
        )
    foreign = dict(kind.foreign).get(name)
    if foreign is not None:
        return "S101", f"{written} is not a key of {article(kind.name)}", foreign, set(), None
    if variant is not None and any(name in one for one in kind.tables.values()):
        types = [one for one, keys in kind.tables.items() if name in keys]
        own = ", ".join(one for one in table if one not in kind.table)
        said = f"beside the keys of every {kind.name}, {variant} has {own or 'none'}"
        help = _OTHER_TYPE.get((variant, name), said)
        others = f"a key of {' and '.join(types)}, not" if len(types) <= 2 else "no key"
        return "S107", f"{written} is {others} of {variant}", help, set(), None
    message = f"{written} is not a key of {article(kind.name)}"
    if (variant, name) in _OTHER_TYPE:
        return "S101", message, _OTHER_TYPE[variant or "", name], set(), None
    folded = _fold(name)
    for one in _ALSO.get(folded, ()):
        if one in table:
            return "S101", message, f"write {one}", {one}, None
    for one in table:
        if _fold(one) == folded:
            fix = Fix(f"write {one}", (Edit(entry.key.span, one),))
            return "S101", message, f"write {one}", {one}, fix
    place = _elsewhere(name, kind, outer)
    if place:
        return "S101", message, place, set(), None
    near = get_close_matches(folded, list(table), 1, 0.6)
    if near:
        return "S101", message, f"did you mean {near[0]}?", {near[0]}, None
    return "S101", message, f"known: {', '.join(table)}", set(), None


def _fold(name: str) -> str:
    """A key without the differences that people do not see: case, and - _ or blanks between words."""
    out = "".join(
        "_" + one.lower() if one.isupper() and at and name[at - 1].islower() else one.lower()
        for at, one in enumerate(name)
    )
    return out.replace("-", "_").replace(" ", "_").strip("_\"'“”‘’")


def _elsewhere(name: str, kind: Keys, outer: list[tuple[str, Keys]]) -> str:
    """Where a key belongs that is legal further out, or further in."""
    for number, (_, around) in enumerate(reversed(outer[:-1])):
        if name in around.of(None):
            levels = "one level" if number == 0 else f"{number + 1} levels"
            return f"it belongs {levels} up, beside `{outer[len(outer) - 1 - number][0]}`"
    inner = [one.name for one in kind.of(None).values() if name in _inner(one.kind)]
    if "target" in inner:
        inner = ["target"]
    return f"it belongs under {' or '.join(f'`{one}`' for one in inner)}" if inner else ""


def _inner(kind: Kind) -> frozenset[str]:
    if isinstance(kind, ListOf):
        return _inner(kind.item)
    if isinstance(kind, Either):
        return frozenset().union(*(_inner(one) for one in kind.kinds))
    if isinstance(kind, Cases):
        return _inner(kind.other)
    return frozenset(kind.of(None)) if isinstance(kind, Keys) else frozenset()
