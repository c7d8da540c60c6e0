"""How rows are computed by the compiler's stages alone: scans into parts, lookups, finalise; no ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from bson import ObjectId
from pymongo.database import Database

from dashpipe.compile import Plan, canonical, compile_subject, emit, partition
from dashpipe.run import encode
from dashpipe.spec.model import Grain
from tests.differential.documents import Document
from tests.differential.subjects import Case, collection


@contextmanager
def loaded(database: Database[Document], case: Case) -> Iterator[None]:
    """A case's documents in the database, one insert a collection; gone afterwards."""
    for name, documents in case.documents.items():
        if documents:
            database[name].insert_many(documents)
    try:
        yield
    finally:
        for name in database.list_collection_names():
            database.drop_collection(name)


def labels(plan: Plan, grain: Grain, days: tuple[date, date]) -> tuple[str, ...]:
    """The labels of the partitions that the local days ``[from, to)`` touch."""
    subject = plan.subject
    start, end = (partition.midnight(one, subject.timezone) for one in days)
    return partition.touching(grain, start, end, subject.calendar)


def computed(
    database: Database[Document], plan: Plan, case: Case, grain: Grain, finer: Grain | None = None
) -> list[Document]:
    """The rows of a grain.

    Args:
        database: Where the case is loaded.
        plan: The plan.
        case: The case.
        grain: The grain.
        finer: A grain whose rows are computed before, so that what may be merged from their states is.
    """
    mine = labels(plan, grain, case.days)
    late = partition.incomplete(grain, mine, case.as_of, plan.subject.calendar)
    if finer is None and emit.direct(plan, grain):
        source = plan.sources[0]
        stages = emit.scan(plan, grain, source.name, mine, None)[0] + emit.finalise(
            plan, grain, late, {}, None
        )
        return run(database, _of(case, source.name), stages)
    into = emit.Ref(database.name, f"parts_{ObjectId()}")
    spine = emit.spine(plan, mine)
    if spine:
        database[into.collection].insert_many(spine)
    stored = None if finer is None else _stored(database, plan, case, grain, mine, finer)
    for source in plan.sources:
        rolled = plan.rollup(source.name, grain)
        if stored is not None and finer is not None and rolled is not None and finer in rolled.finer:
            staged, staging, target = stored
            stages = emit.rollup(plan, grain, finer, source.name, mine, staged, target, into)
            run(database, staging, stages)
            continue
        for stages in emit.scan(plan, grain, source.name, mine, into):
            emit.verify(stages)
            run(database, _of(case, source.name), stages)
        if plan.kept_at(source.name, grain):
            kept = emit.Ref(database.name, f"values_{ObjectId()}")
            for stages in emit.values(plan, source.name, mine):
                run(database, _of(case, source.name), [*stages, *emit.merge(kept)])
            for stages in emit.of_values(plan, grain, source.name, mine, mine, "none", into):
                run(database, kept.collection, stages)
    _follow(database, plan, case, grain, {None: into.collection})
    wholes = {of: f"whole_{ObjectId()}" for of in emit.wholes(plan, grain)}
    days = {of: f"days_{ObjectId()}" for of in emit.days(plan, grain)}
    places = emit.places(into.collection, wholes, days)
    for source in plan.sources:
        for of, stages in emit.scans(plan, grain, source.name, mine, merging=False):
            place = emit.merge(emit.Ref(database.name, places[of]))
            run(database, _of(case, source.name), [*stages, *place])
        for leaf in emit.retained(plan, grain, source.name):
            stages = emit.cohorts(plan, grain, leaf, mine, case.as_of)
            emit.verify(stages)
            run(database, _of(case, source.name), [*stages, *emit.merge(into)])
    _follow(database, plan, case, grain, places, beside=True)
    for each, name in days.items():
        listed = emit.days_of(plan, grain, each, mine)
        run(database, into.collection, [*listed, *emit.merge(emit.Ref(database.name, name))])
        run(database, name, [*emit.over_days(plan, grain, each), *emit.merge(into)])
    for of, name in wholes.items():
        for stages in emit.of_parts(plan, grain, of, emit.Ref(database.name, name)):
            run(database, into.collection, stages)
    lookups = {one.name: _looked_up(database, plan, case, into.collection, one.name) for one in plan.lookups}
    return run(database, into.collection, emit.finalise(plan, grain, late, lookups, None, wholes))


def _follow(
    database: Database[Document],
    plan: Plan,
    case: Case,
    grain: Grain,
    into: emit.Places,
    *,
    beside: bool = False,
) -> None:
    """Put conversions beside the parts that they are of."""
    mine = labels(plan, grain, case.days)
    for source in plan.sources:
        for journey, leaves in emit.journeys(plan, grain, source.name, beside=beside):
            events = emit.Ref(database.name, f"events_{ObjectId()}")
            for one, stages in emit.events(plan, journey, leaves, grain, mine):
                run(database, _of(case, one), [*stages, *emit.merge(events)])
            for of, stages in emit.attributed(plan, journey, leaves, grain, mine):
                emit.verify(stages)
                run(database, events.collection, [*stages, *emit.merge(emit.Ref(database.name, into[of]))])


def run(database: Database[Document], name: str, stages: emit.Stages) -> list[Document]:
    """The documents that stages yield over a collection."""
    return list(database[name].aggregate(encode.to_bson(stages), allowDiskUse=True))


def counted(database: Database[Document], name: str, scans: tuple[emit.Stages, ...]) -> list[Document]:
    """What the scans that count values give, a document a partition."""
    found: dict[Any, Document] = {}
    for pipeline in scans:
        for one in run(database, name, pipeline):
            found.setdefault(one["_id"], {}).update(one)
    return list(found.values())


def text(case: Case) -> str:
    """All stages of a case as text: every scan, roll-up and finalise of every grain."""
    plan = compile_subject(case.subject)
    into = emit.Ref("db", "parts")
    lookups = {one.name: f"lookup_{one.name}" for one in plan.lookups}
    made: list[object] = []
    for grain in plan.grains:
        mine = labels(plan, grain, case.days)
        for source in plan.sources:
            made.append(emit.scan(plan, grain, source.name, mine, into))
            made.extend(emit.types_scans(plan, source.name, grain, mine))
            rolled = plan.rollup(source.name, grain)
            if rolled is not None:
                made.append(emit.rollup(plan, grain, rolled.finer[0], source.name, mine, (), "target", into))
        made.append(emit.finalise(plan, grain, mine, lookups, None))
    return canonical.to_text(made)


def _of(case: Case, source: str) -> str:
    return collection(case.subject.source(source).collection)


def _stored(
    database: Database[Document], plan: Plan, case: Case, grain: Grain, mine: Iterable[str], finer: Grain
) -> tuple[tuple[str, ...], str, str]:
    """Rows of a finer grain, the last of its partitions in a staging collection, the others as if published.

    Returns:
        The partitions in staging, the staging collection, the target.
    """
    subject = plan.subject
    inside = [fine for label in mine for fine in partition.contains(grain, label, finer, subject.calendar)]
    staged = tuple(inside[len(inside) // 2 :])
    staging, target = f"staging_{ObjectId()}", f"target_{ObjectId()}"
    start = partition.bounds(grain, min(mine), subject.calendar)[0]
    end = max(partition.bounds(grain, one, subject.calendar)[1] for one in mine)
    days = partition.local_date(start, subject.timezone), partition.local_date(end, subject.timezone)
    whole = Case(case.subject, case.documents, days, case.as_of)
    parted: dict[str, list[Document]] = {staging: [], target: []}
    for row in computed(database, plan, whole, finer):
        label = row["partition_date"] + (f"T{row['partition_hour']}" if finer is Grain.HOUR else "")
        parted[staging if label in staged else target].append(row)
    for name, rows in parted.items():
        if rows:
            database[name].insert_many(rows)
    return staged, staging, target


def _looked_up(database: Database[Document], plan: Plan, case: Case, parts: str, name: str) -> str:
    """The collection ``{_id: key, v: value}`` of a looked-up dimension, for the keys that the parts have."""
    lookup = next(one for one in plan.lookups if one.name == name).lookup
    made = f"lookup_{name}_{ObjectId()}"
    keys: list[Any] = [one for one in database[parts].distinct(f"k.{lookup.key}") if one is not None]
    found = database[collection(lookup.collection)].find({lookup.foreign: {"$in": keys}})
    pairs = [{"_id": one[lookup.foreign], "v": one.get(lookup.field)} for one in found]
    if pairs:
        database[made].insert_many(pairs)
    return made
