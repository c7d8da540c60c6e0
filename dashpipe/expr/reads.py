"""What an expression reads of a document: one that was typed, or MongoDB's own."""

from __future__ import annotations

from typing import Any

from dashpipe.expr.scope import Typed


def paths(typed: Typed) -> frozenset[str]:
    """The paths of the document fields that an expression reads."""
    if typed.kind == "mongo":
        return raw_paths(typed.value)
    own = {typed.value} if typed.kind == "field" else set()
    return frozenset(own).union(*(paths(one) for one in typed.args))


def raw_paths(value: Any) -> frozenset[str]:
    """The paths that an aggregation expression reads."""
    if isinstance(value, str):
        return frozenset({value[1:]}) if value.startswith("$") and not value.startswith("$$") else frozenset()
    if isinstance(value, dict):
        return frozenset().union(*(raw_paths(one) for name, one in value.items() if name != "$literal"))
    if isinstance(value, list):
        return frozenset().union(*(raw_paths(one) for one in value))
    return frozenset()
