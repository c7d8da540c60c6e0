"""What stands between a project and its runs: connections, rights, indexes, and what the servers can do.

Nothing is written but what a probe needs: a scratch collection in the target's database, dropped at once, and
the answers of the probes, which runs use again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dashpipe.compile import advice, compile_subject
from dashpipe.compile.capabilities import PROBES
from dashpipe.run import environment, places, probe
from dashpipe.run.errors import RunError, SourceDown, translating
from dashpipe.run.landing.look import look
from dashpipe.spec.mongo import looked_up

if TYPE_CHECKING:
    from dashpipe.compile.plan import Plan
    from dashpipe.run.base import Place, Setup
    from dashpipe.spec.model import Source, Subject

OK, WARNING, FAILURE = "ok", "warning", "failure"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one look found.

    Attributes:
        level: ``ok``, ``warning`` or ``failure``.
        about: What was looked at: ``connection source``, ``flights_ops_carrier_v1``.
        said: What was found.
        help: What to do about it.
    """

    level: str
    about: str
    said: str
    help: str = ""


def examine(subjects: Iterable[Subject], setup: Setup) -> Iterator[Verdict]:
    """Look at everything that the runs of some subjects need."""
    subjects = tuple(subjects)
    names = {one.connection for subject in subjects for one in subject.sources}
    names |= {one for subject in subjects for one in _looked_up_on(subject)}
    targets = {subject.target.connection for subject in subjects}
    reached: set[str] = set()
    for name in sorted(names | targets):
        verdict = _connection(name, setup)
        yield verdict
        if verdict.level is OK:
            reached.add(name)
    for name in sorted(targets & reached):
        yield from _target(name, setup)
    for subject in subjects:
        wanted = {one.connection for one in subject.sources} | _looked_up_on(subject)
        wanted.add(subject.target.connection)
        if wanted <= reached:
            yield from _subject(subject, setup)


def _looked_up_on(subject: Subject) -> set[str]:
    """The connections of a subject's lookups."""
    lookups = (one.lookup for one in subject.dimensions if one.lookup is not None)
    return {one.connection for one in lookups if one.connection is not None}


def _connection(name: str, setup: Setup) -> Verdict:
    about = f"connection {name}"
    try:
        with translating(f"reaching {setup.connections.where(name)}"):
            version = setup.connections.client(name).admin.command("buildInfo").get("version", "?")
            kind, *hosts = setup.connections.identity(name)
    except SourceDown as error:
        return Verdict(FAILURE, about, error.message, "is it up, and is its address right?")
    except RunError as error:
        return Verdict(FAILURE, about, error.message, error.help)
    where = setup.connections.where(name)
    database = setup.connections.database(name).name
    return Verdict(
        OK, about, f"from {where}: database {database}, server {version}, {kind} {', '.join(hosts)}"
    )


def _target(name: str, setup: Setup) -> Iterator[Verdict]:
    about = f"connection {name}"
    try:
        with translating("probing what the server can do"):
            has = probe.capabilities(setup.connections.database(name))
    except RunError as error:
        yield Verdict(FAILURE, about, error.message, "the target's user needs readWrite on its database")
        return
    costs = {**{one.name: one.cost for one in PROBES}, **probe.WRITES}
    yield Verdict(OK, about, f"may write; of {len(has)} capabilities the server has {sum(has.values())}")
    for lacking in sorted(one for one, able in has.items() if not able):
        if costs[lacking]:
            yield Verdict(WARNING, about, f"the server lacks {lacking}", f"so {costs[lacking]}")
        else:
            yield Verdict(FAILURE, about, f"the server lacks {lacking}", "dashpipe cannot work without it")
    if not probe.shows_operations(setup.connections.database(name)):
        yield Verdict(
            WARNING, about, "the server does not show what other connections do", f"so {probe.HIDDEN}"
        )


def _subject(subject: Subject, setup: Setup) -> Iterator[Verdict]:
    try:
        plan = compile_subject(subject)
        found = places.find(plan, setup)
        environment.resolve(subject, setup.environ, setup.allow_env)
        with translating("looking at the sources"):
            for name, place in found.sources.items():
                yield from _source(plan, name, place, setup)
            for name, place in found.lookups.items():
                if not _has_documents(place, setup):
                    yield Verdict(
                        WARNING,
                        subject.id,
                        f"{place.collection}, where {name} is looked up, has no documents",
                    )
    except RunError as error:
        yield Verdict(FAILURE, subject.id, error.message, error.help)


def _source(plan: Plan, name: str, place: Place, setup: Setup) -> Iterator[Verdict]:
    subject, source = plan.subject, plan.source(name)
    if not setup.connections.may_read(place.connection, place):
        need = f"grant `read` on {place.database} to the user of {setup.connections.where(place.connection)}"
        yield Verdict(FAILURE, subject.id, f"{place.collection} may not be read", need)
        return
    if source.source.landed:
        yield from _landed(subject, source.source, setup)
    if not _has_documents(place, setup):
        if source.source.landed:
            yield Verdict(OK, subject.id, f"source {name}: nothing is landed in {place.collection} yet")
            return
        hint = "is the name right, and the connection?"
        yield Verdict(WARNING, subject.id, f"the source {name} ({place.collection}) has no documents", hint)
        return
    for other in looked_up(map(json.loads, source.source.prepare)):
        if not _has_documents(replace(place, collection=other), setup):
            said = f"{other}, where `prepare` of {name} looks documents up, has no documents"
            yield Verdict(
                WARNING, subject.id, said, f"it is looked for in {place.database}: is the name right?"
            )
    route = _route(subject.target.connection, place, setup)
    time = source.source.time.field
    if source.source.snapshot:
        yield Verdict(OK, subject.id, f"source {name}: each run reads it as it stands; {route}")
    elif _leads(place, time, setup):
        yield Verdict(OK, subject.id, f"source {name}: an index serves {time}; {route}")
    else:
        fields = ", ".join(f"{field}: {way}" for field, way in advice.of_source(source).fields)
        hint = f"db.{place.collection}.createIndex({{{fields}}})"
        yield Verdict(
            WARNING, subject.id, f"source {name}: no index serves {time}, each run reads all of it", hint
        )


def _landed(subject: Subject, source: Source, setup: Setup) -> Iterator[Verdict]:
    """What a run would find at a source's file or endpoint."""
    doubts: list[tuple[str, str]] = []
    about = f"source {source.name}"
    try:
        said = look(source, setup, lambda found, help: doubts.append((found, help)))
        yield Verdict(OK, subject.id, f"{about}: {said}")
    except RunError as error:
        yield Verdict(FAILURE, subject.id, f"{about}: {error.message}", error.help)
    for found, help in doubts:
        yield Verdict(WARNING, subject.id, f"{about}: {found}", help)


def _route(target: str, place: Place, setup: Setup) -> str:
    if not setup.connections.same_cluster(target, place.connection):
        return "another cluster, so documents come through the worker"
    if not setup.connections.may_read(target, place):
        return "the target's user may not read it, so documents come through the worker"
    return "computed on the server"


def _has_documents(place: Place, setup: Setup) -> bool:
    collection = setup.connections.client(place.connection)[place.database][place.collection]
    return collection.find_one({}, {"_id": 1}) is not None


def _leads(place: Place, field: str, setup: Setup) -> bool:
    """Whether an index of a collection has the field."""
    collection = setup.connections.client(place.connection)[place.database][place.collection]
    indexes: Any = collection.index_information().values()
    return any(any(part == field for part, _ in one["key"]) for one in indexes)
