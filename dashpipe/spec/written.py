"""Whether a subject can write its target: its columns are there, and it reads none of it."""

from __future__ import annotations

import json
from collections.abc import Iterator

from dashpipe.spec.issue import Issue, meant
from dashpipe.spec.model import Env, EnvText, Subject
from dashpipe.spec.mongo import looked_up

#: Columns that every row has beside its dimensions and metrics.
COLUMNS = ("partition_date", "partition_hour", "grain", "complete", "created_at", "updated_at")


def queries(subject: Subject) -> Iterator[Issue]:
    """What dashboards ask for are columns of the rows; not judged where a dimension is no source's."""
    defined = {one.name for source in subject.sources for one in source.dimensions}
    if any(one.lookup is None and one.name not in defined for one in subject.dimensions):
        return
    written = [one.name for one in subject.dimensions] + [
        one.name for one in subject.metrics if not one.hidden
    ]
    columns = [*written, *COLUMNS]
    for index, query in enumerate(subject.target.queries):
        at = subject.target.origin.at("queries", index)
        asked = [(name, at.at("equal", place)) for place, name in enumerate(query.equal)]
        if query.range is not None:
            asked.append((query.range, at.at("range")))
        for name, place in asked:
            if name not in columns:
                alias = {"date": "partition_date", "day": "partition_date", "time": "partition_date"}.get(
                    name
                )
                help = f"did you mean {alias}?" if alias else meant(name, columns, "")
                yield Issue("N010", place, f"the rows have no column `{name}`", help)


def target(subject: Subject) -> Iterator[Issue]:
    """Nothing that the subject reads is what it writes."""
    ours = names_of(subject.target.collection)
    at = subject.target.origin.at("collection")
    for source in subject.sources:
        if ours & names_of(source.collection):
            yield Issue(
                "N011",
                at,
                f"the target is the collection that the source {source.name} reads",
                "give the target a name of its own, such as "
                f"{subject.domain}_{subject.name}: a run would read its own rows, or delete documents",
                ((source.origin.at("collection"), f"the source {source.name}"),),
            )
        if ours & set(looked_up(map(json.loads, source.prepare))):
            yield Issue(
                "N011",
                at,
                f"the target is a collection that `prepare` of the source {source.name} looks into",
                f"give the target a name of its own, such as {subject.domain}_{subject.name}",
                ((source.origin.at("prepare"), f"the stages of {source.name}"),),
            )
    for one in subject.dimensions:
        if one.lookup is not None and ours & names_of(one.lookup.collection):
            yield Issue(
                "N011",
                at,
                f"the target is the collection in which `{one.name}` is looked up",
                f"give the target a name of its own, such as {subject.domain}_{subject.name}",
                ((one.origin.at("lookup", "collection"), "the lookup"),),
            )


def names_of(collection: EnvText) -> set[str]:
    """What a collection may be called: its name or default, and the variable that gives it."""
    if isinstance(collection, Env):
        return {f"{{env: {collection.name}}}"} | ({collection.default} if collection.default else set())
    return {collection} if collection else set()
