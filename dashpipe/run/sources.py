"""What is asked of a source before it is read: is it there, how fresh, how well does it keep its contract."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pymongo.errors import OperationFailure

from dashpipe.compile import advice, emit, instant
from dashpipe.run import arrays, encode, route, values
from dashpipe.run.base import Run, Session
from dashpipe.run.errors import RunError
from dashpipe.run.operation import options

if TYPE_CHECKING:
    from pymongo.collection import Collection

Document = dict[str, Any]

#: A smaller collection is read whole in no time: no index is asked for.
_SMALL = 10_000

#: A smaller one is looked through for times that are arrays without asking whether there may be some.
_MANY = 100_000

_NO_RIGHT = 13


def present(run: Run, session: Session, source: str) -> str:
    """What a source is: a ``collection``, a ``view`` or a ``timeseries``; who may not list may still read.

    Raises:
        RunError: It is not there.
    """
    return _kind(route.reader(run, session, source, route.CURSOR), source, _about(run, source))


def ask(run: Run, session: Session, source: str, kind: str) -> Document:
    """Ask a source all that, for the receipt; ``kind`` is what it is.

    Returns:
        ``documents`` (estimated), ``newest`` (the newest time up to ``as_of``), ``untimed``, ``warnings``;
        and of the run's partitions of the finest grain ``read`` (documents), ``values`` (counts, a field
        each), ``mistyped`` and ``decimals`` (counts by field, where there are any).

    Raises:
        RunError: Too many documents have no time, or a field with ``on_type_error: fail`` has values of
            another type.
    """
    collection, about = route.reader(run, session, source, route.CURSOR), _about(run, source)
    documents = collection.estimated_document_count()
    snapshot = run.subject.source(source).snapshot
    indexed = kind == "collection" and not snapshot  # a view is not, a time series is kept by time
    single = indexed and documents > _MANY and _has_no_array(run, collection, source)
    untimed = 0 if snapshot else _untimed(run, collection, source, documents, arrays=not single)
    counted = _values(run, session, source)
    warnings = [f"{source} ({about}) is empty"] if not documents else []
    warnings += [
        f"{count} decimals stand in `{path}` of {source} and are taken as doubles: declare it `decimal`"
        for path, count in counted["decimals"].items()
    ]
    warnings += counted["lacking"]
    if indexed and documents > _SMALL:
        warnings += _index(run, collection, source, about)
    return {
        "documents": documents,
        "newest": None if snapshot else _newest(run, collection, source),
        "untimed": untimed,
        "read": counted["read"],
        "values": counted["fields"],
        "mistyped": {one["field"]: one["mistyped"] for one in counted["fields"] if one["mistyped"]},
        "decimals": counted["decimals"],
        "warnings": warnings,
    }


def _about(run: Run, source: str) -> str:
    return f"{run.sources[source].database}.{run.sources[source].collection}"


def _kind(collection: Collection[Document], source: str, about: str) -> str:
    try:
        found = list(
            collection.database.list_collections(
                filter={"name": collection.name}, nameOnly=True, authorizedCollections=True
            )
        )
    except OperationFailure as error:
        if error.code != _NO_RIGHT:
            raise
        return "unknown"
    if not found:
        raise RunError(
            f"the source {source} is not there: no collection {about}",
            "correct `collection` in the spec or its variable; the last good rows stay",
            retry=True,
        )
    return str(found[0].get("type", "collection"))


def _newest(run: Run, collection: Collection[Document], source: str) -> Any:
    """The newest time up to ``as_of``; the last day is looked at first, since there it mostly is."""
    time = run.plan.source(source).source.time
    until = run.as_of
    for reach in (timedelta(days=1), timedelta(days=31), None):
        after = None if reach is None else run.as_of - reach
        stages = encode.to_bson(instant.newest(time, after, until))
        for one in collection.aggregate(stages, **options(run, f"extract_{source}")):
            return one["at"]
        until = until if after is None else after
    return None


def _has_no_array(run: Run, collection: Collection[Document], source: str) -> bool:
    return arrays.none_in(collection, run.plan.source(source).source.time, run.as_of)


def _untimed(run: Run, collection: Collection[Document], source: str, documents: int, *, arrays: bool) -> int:
    """Count the documents without a time; one that the source's ``where`` leaves out may have none yet."""
    one = run.plan.source(source)
    stages = encode.to_bson(emit.untimed_scan(run.plan, source, arrays=arrays))
    found = list(collection.aggregate(stages, **options(run, f"extract_{source}")))
    count = int(found[0]["n"]) if found else 0
    allowed, time = one.source.max_untimed, one.source.time
    said = instant.WORDS[time.kind]
    if count and count / max(documents, count) > allowed:
        raise RunError(
            f"{count} of about {documents} documents of {source} have no {said} in `{time.field}`, "
            f"which is more than {allowed * 100:g} %",
            "mend them, name another `time` or how it is stored (`as`), or raise `max_untimed` of the source",
        )
    return count


def _values(run: Run, session: Session, source: str) -> Document:
    """Count what the values are, and stop where a field is mistyped that may not be."""
    one = run.plan.source(source)
    counted = values.count(run, session, source, run.partitions[run.plan.grains[0]])
    strict = [field.path for field in one.source.fields if field.on_type_error == "fail"]
    bad = [
        f"{each['mistyped']} values of `{each['field']}` are no {each['type']}"
        for each in counted["fields"]
        if each["mistyped"] and each["field"] in strict
    ]
    if bad:
        raise RunError(
            f"{source}: {', '.join(bad)} in the partitions of this run",
            "mend the documents, or declare `on_type_error: nullify`; the last good rows stay",
        )
    return counted


def _index(run: Run, collection: Collection[Document], source: str, about: str) -> list[str]:
    """A warning where no index serves the ranges of the time field."""
    wanted = advice.of_source(run.plan.source(source))
    try:
        indexes = collection.index_information().values()
    except OperationFailure as error:
        if error.code != _NO_RIGHT:
            raise
        return []
    time = run.plan.source(source).source.time.field
    before = {field for field, _ in wanted.fields} - {time}
    if any(_serves(one, time, before) for one in indexes):
        return []
    fields = ", ".join(f"{field}: {direction}" for field, direction in wanted.fields)
    return [f"no index of {about} serves `{time}`: every run reads the whole collection; create {{{fields}}}"]


def _serves(index: Document, time: str, before: set[str]) -> bool:
    """Whether an index leads with the time, or has before it only fields that are equal to a constant."""
    if index.get("partialFilterExpression") or index.get("sparse") or index.get("hidden"):
        return False
    fields = [field for field, _ in index["key"]]
    return time in fields and set(fields[: fields.index(time)]) <= before
