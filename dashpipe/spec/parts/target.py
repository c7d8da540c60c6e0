"""From nodes to targets and checks."""

from __future__ import annotations

from dashpipe.spec.model import Bounds, Check, Origin, Query, Target
from dashpipe.spec.node import Map, Node, Scalar, Seq
from dashpipe.spec.values import (
    as_text,
    child,
    entries,
    env_text,
    flag,
    grain,
    number,
    optional,
    text,
    texts,
    whole,
)


def build_target(node: Node | None, collection: str, origin: Origin) -> Target:
    """Where the rows go; ``collection`` is the default."""
    removed = number(child(node, "max_removed"))
    return Target(
        collection=env_text(child(node, "collection")) or collection,
        connection=text(node, "connection", "target"),
        queries=tuple(
            Query(texts(child(one, "equal")), optional(one, "range"))
            for one, _ in entries(child(node, "queries"), origin)
        ),
        retention_days=whole(child(node, "retention_days")),
        max_removed=0.2 if removed is None else float(removed),
        origin=origin,
    )


def build_check(node: Node, origin: Origin) -> Check:
    """A check."""
    return Check(
        id=text(node, "id"),
        type=text(node, "type"),
        metric=optional(node, "metric"),
        source=optional(node, "source"),
        field=optional(node, "field"),
        counts=_counts(child(node, "counts")),
        keys=texts(child(node, "keys")),
        grain=grain(child(node, "grain")),
        incomplete=flag(node, "incomplete"),
        warn=_bounds(child(node, "warn")),
        fail=_bounds(child(node, "fail")),
        origin=origin,
    )


def _counts(node: Node | None) -> tuple[str, ...]:
    """What a check of values counts; YAML's null is the word."""
    given = node.items if isinstance(node, Seq) else (node,)
    return tuple(as_text(one) or "null" for one in given if isinstance(one, Scalar))


def _bounds(node: Node | None) -> Bounds | None:
    if not isinstance(node, Map):
        return None
    limits = (number(child(node, key)) for key in ("below", "above", "hours", "values"))
    return Bounds(*(None if one is None else float(one) for one in limits))
