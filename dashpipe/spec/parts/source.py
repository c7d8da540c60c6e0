"""From nodes to sources and dimensions."""

from __future__ import annotations

from dashpipe.spec.model import Dimension, Field, File, Http, Lookup, Origin, Source, Time, Unwind, Valid
from dashpipe.spec.node import Map, Node, Scalar, Seq
from dashpipe.spec.parts.metric import build_metric
from dashpipe.spec.parts.verbatim import json_of
from dashpipe.spec.values import as_text, child, entries, env_text, flag, number, optional, text, texts, whole


def build_source(node: Node, origin: Origin, key: str = "name") -> Source:
    """A model, or a source that a subject defines; ``key`` is the key of its name."""
    fields, prepare = child(node, "fields"), child(node, "prepare")
    snapshot = flag(node, "snapshot")
    landed = child(node, "file") is not None or child(node, "http") is not None
    return Source(
        name=text(node, key),
        collection=env_text(child(node, "collection")) or "",
        time=_time(child(node, "time")) or _no_time(node, snapshot),
        connection=text(node, "connection", "" if landed else "source"),
        updated=_time(child(node, "updated")),
        prepare=tuple(json_of(one) for one in prepare.items) if isinstance(prepare, Seq) else (),
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
        max_untimed=_share(node, "max_untimed"),
        file=_file(child(node, "file")),
        http=_http(child(node, "http")),
        description=text(node, "description"),
        origin=origin,
    )


def _file(node: Node | None) -> File | None:
    if node is None:
        return None
    return File(
        path=text(node, "path"),
        format=text(node, "format"),
        key=texts(child(node, "key")),
        timezone=optional(node, "timezone"),
        delimiter=text(node, "delimiter", ","),
        encoding=text(node, "encoding", "utf-8"),
        nulls=texts(child(node, "nulls")),
        max_bad=_share(node, "max_bad"),
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
        max_bad=_share(node, "max_bad"),
    )


def _share(node: Node, key: str) -> float:
    """How much of a source may be unfit: 0.1 % where nothing is said."""
    share = number(child(node, key))
    return 0.001 if share is None else float(share)


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
