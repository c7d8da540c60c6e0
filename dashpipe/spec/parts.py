"""From nodes to the parts of a spec: metrics, sources, checks. Names are not resolved yet."""

from __future__ import annotations

import json
from typing import NamedTuple

from dashpipe.spec.model import (
    NOWHERE,
    Bounds,
    Check,
    Dimension,
    Events,
    Field,
    File,
    Fill,
    Grain,
    Http,
    Input,
    Lookup,
    Metric,
    Origin,
    Query,
    Source,
    Target,
    Time,
    Unwind,
    Valid,
)
from dashpipe.spec.node import Map, Node, Scalar, Seq, plain
from dashpipe.spec.values import (
    as_text,
    carry,
    child,
    entries,
    env_text,
    flag,
    grain,
    grains,
    number,
    optional,
    period,
    share,
    text,
    texts,
    whole,
)


class Take(NamedTuple):
    """A metric that a subject takes from a source: ``minutes``, or ``{metric: reviews.minutes, as: …}``."""

    name: str
    source: str | None = None
    alias: str | None = None
    hidden: bool = False
    origin: Origin = NOWHERE

    @property
    def final(self) -> str:
        """The name that it has in the subject."""
        return self.alias or self.name


class Ref(NamedTuple):
    """A source that a subject takes from a model, by name."""

    name: str
    origin: Origin = NOWHERE


def build_source(node: Node, origin: Origin, key: str = "name") -> Source:
    """A model, or a source that a subject defines; ``key`` is the key of its name."""
    fields, prepare = child(node, "fields"), child(node, "prepare")
    snapshot = flag(node, "snapshot")
    landed = child(node, "file") is not None or child(node, "http") is not None
    untimed = number(child(node, "max_untimed"))
    return Source(
        name=text(node, key),
        collection=env_text(child(node, "collection")) or "",
        time=_time(child(node, "time")) or _no_time(node, snapshot),
        connection=text(node, "connection", "" if landed else "source"),
        updated=_time(child(node, "updated")),
        prepare=tuple(_json(one) for one in prepare.items) if isinstance(prepare, Seq) else (),
        unique=texts(child(node, "unique")),
        unwind=_unwind(child(node, "unwind")),
        where=optional(node, "where"),
        fields=_fields(fields, origin.at("fields")) if isinstance(fields, Map) else (),
        dimensions=build_dimensions(child(node, "dimensions"), origin.at("dimensions")),
        metrics=tuple(
            build_metric(one, at)
            for one, at in entries(child(node, "metrics"), origin.at("metrics"))
            if optional(one, "name") is not None
        ),
        read=optional(node, "read"),
        incremental=flag(node, "incremental"),
        snapshot=snapshot,
        max_untimed=0.001 if untimed is None else float(untimed),
        file=_file(child(node, "file")),
        http=_http(child(node, "http")),
        description=text(node, "description"),
        origin=origin,
    )


def _file(node: Node | None) -> File | None:
    if node is None:
        return None
    bad = number(child(node, "max_bad"))
    return File(
        path=text(node, "path"),
        format=text(node, "format"),
        key=texts(child(node, "key")),
        timezone=optional(node, "timezone"),
        delimiter=text(node, "delimiter", ","),
        encoding=text(node, "encoding", "utf-8"),
        nulls=texts(child(node, "nulls")),
        max_bad=0.0 if bad is None else float(bad),
    )


def _http(node: Node | None) -> Http | None:
    if node is None:
        return None
    paging = child(node, "paging")
    first = whole(child(paging, "first"))
    return Http(
        url=text(node, "url"),
        key=texts(child(node, "key")),
        items=optional(node, "items"),
        by=optional(paging, "by"),
        path=optional(paging, "path"),
        parameter=optional(paging, "parameter"),
        first=1 if first is None else first,
        since=optional(node, "since"),
        connection=optional(node, "connection"),
        timezone=optional(node, "timezone"),
    )


def _time(node: Node | None) -> Time | None:
    if isinstance(node, Map):
        return Time(text(node, "field"), text(node, "as", "date"))
    field = as_text(node)
    return None if field is None else Time(field)


def _no_time(node: Node, snapshot: bool) -> Time:
    """The time of a source that names none; with `snapshot: false` lint says so, else the shape does."""
    if child(node, "snapshot") is None:
        return Time("")
    return Time("_id" if snapshot else "", "snapshot")


def _json(node: Node) -> str:
    return json.dumps(plain(node), ensure_ascii=False, separators=(",", ":"))


def _unwind(node: Node | None) -> Unwind | None:
    if not isinstance(node, Map):
        return None
    return Unwind(text(node, "path"), text(node, "as"), flag(node, "keep_empty"))


def _fields(node: Map, origin: Origin) -> tuple[Field, ...]:
    found = []
    for one in node.entries:
        type_ = one.value if isinstance(one.value, Scalar) else child(one.value, "type")
        on_error = text(one.value, "on_type_error", "nullify")
        found.append(Field(one.name, as_text(type_) or "", on_error, origin.at(one.name)))
    return tuple(found)


def build_dimensions(node: Node | None, origin: Origin) -> tuple[Dimension, ...]:
    """Dimensions of a source or a subject: names, or mappings with a name."""
    found = []
    for one, at in entries(node, origin):
        name = optional(one, "name") if isinstance(one, Map) else as_text(one)
        if name is not None:
            lookup = child(one, "lookup")
            found.append(
                Dimension(
                    name=name,
                    expr=optional(one, "expr"),
                    lookup=_lookup(lookup) if isinstance(lookup, Map) else None,
                    description=text(one, "description"),
                    origin=at,
                )
            )
    return tuple(found)


def _lookup(node: Map) -> Lookup:
    valid = child(node, "valid")
    return Lookup(
        valid=Valid(optional(valid, "from"), optional(valid, "to")) if isinstance(valid, Map) else None,
        collection=env_text(child(node, "collection")) or "",
        key=text(node, "key"),
        foreign=text(node, "foreign"),
        field=text(node, "field"),
        connection=optional(node, "connection"),
    )


def build_metric(node: Node, origin: Origin) -> Metric:
    """A metric of a source or of a subject."""
    empty = child(node, "empty")
    zero, mongo = child(node, "on_zero"), child(node, "mongo")
    on_zero = zero.value if isinstance(zero, Scalar) and zero.value != "null" else None
    return Metric(
        name=text(node, "name"),
        type=text(node, "type"),
        source=optional(node, "source"),
        expr=optional(node, "expr"),
        where=optional(node, "where"),
        numerator=optional(node, "numerator"),
        denominator=optional(node, "denominator"),
        on_zero=on_zero if isinstance(on_zero, (str, int)) else None,
        inputs=tuple(
            Input(
                text(one, "metric"),
                text(one, "as") or text(one, "metric"),
                optional(one, "where"),
                period(child(one, "offset")),
                at,
            )
            for one, at in entries(child(node, "inputs"), origin.at("inputs"))
        ),
        p=share(child(node, "p")),
        method=optional(node, "method"),
        approximate=flag(node, "approximate"),
        population=flag(node, "population"),
        k=whole(child(node, "k")),
        by=optional(node, "by"),
        having=optional(node, "having"),
        cardinality_at_most=whole(child(node, "cardinality_at_most")),
        metric=optional(node, "metric"),
        window=period(child(node, "window")),
        to_date=optional(node, "to_date"),
        period_agg=optional(node, "period_agg"),
        of=texts(child(node, "of")),
        base=_events(child(node, "base"), origin.at("base")),
        conversion=_events(child(node, "conversion"), origin.at("conversion")),
        entity=optional(node, "entity"),
        measured_as=optional(node, "as"),
        per=texts(child(node, "per")),
        carry=carry(child(node, "carry")),
        period=grain(child(node, "period")),
        periods=whole(child(node, "periods")),
        grains=_grains(node),
        empty=plain(empty) if isinstance(empty, Scalar) else None,
        has_empty=empty is not None,
        fill=_fill(child(node, "fill")),
        hidden=flag(node, "hidden"),
        counts=optional(node, "of"),
        mongo=None if mongo is None else _json(mongo),
        mongo_type=optional(node, "mongo_type"),
        description=text(node, "description"),
        unit=text(node, "unit"),
        format=text(node, "format"),
        owner=text(node, "owner"),
        origin=origin,
    )


def _grains(node: Node) -> tuple[Grain, ...] | None:
    """The grains that have a metric; a retention that names none has its period."""
    given, period = grains(child(node, "grains")), grain(child(node, "period"))
    return (period,) if given is None and period is not None else given


def _events(node: Node | None, origin: Origin) -> Events | None:
    """Events of an entity: a source by name, or with a condition."""
    source = optional(node, "source") if isinstance(node, Map) else as_text(node)
    return None if source is None else Events(source, optional(node, "where"), origin)


def _fill(node: Node | None) -> Fill | None:
    value, length = child(node, "value"), period(child(node, "for"))
    if not isinstance(value, Scalar) or length is None:
        return None
    return Fill(plain(value), length)


def build_taken(node: Node, origin: Origin) -> Take | None:
    """The metric that an item of a subject's list takes, ``None`` where the item defines one."""
    if isinstance(node, Map):
        name, alias = optional(node, "metric"), optional(node, "as")
        if name is None or node.get("type") is not None:
            return None
    else:
        name, alias = as_text(node), None
        if name is None:
            return None
    source, dot, metric = name.rpartition(".")
    return Take(metric, source if dot else None, alias, flag(node, "hidden"), origin)


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
