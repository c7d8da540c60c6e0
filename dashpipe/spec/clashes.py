"""What no two subjects may share: an identity, a collection that they write, what is landed in one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dashpipe.spec.issue import Issue
from dashpipe.spec.model import Source, Subject
from dashpipe.spec.naming import collection_name
from dashpipe.spec.written import names_of


def identities(subjects: Iterable[Subject]) -> Iterator[Issue]:
    """No two files are the same version of the same subject."""
    first: dict[str, Subject] = {}
    for one in subjects:
        earlier = first.setdefault(one.id, one)
        if earlier is not one:
            yield Issue(
                "N013",
                one.origin.at("subject"),
                f"there is a subject {one.id} already",
                "give it another `subject` name, or, if it replaces the other, the next `version`",
                ((earlier.origin.at("subject"), "the first one"),),
            )


def collections(subjects: Iterable[Subject]) -> Iterator[Issue]:
    """No two subjects or versions write one collection."""
    first: dict[tuple[str, str], tuple[Subject, str]] = {}
    ids: dict[str, Subject] = {}
    for one in subjects:
        if ids.setdefault(one.id, one) is not one:
            continue  # two of one identity: said already
        target = one.target
        names = {
            (target.connection, collection_name(base, grain, one.version)): grain.value
            for grain in dict.fromkeys(one.grains)
            for base in sorted(names_of(target.collection), key=lambda name: (name[:1] == "{", name))
        }
        clash = next((name for name in names if name in first), None)
        for name, grain in names.items():
            first.setdefault(name, (one, grain))
        if clash is not None:
            other, grain = first[clash]
            named = clash[1].removeprefix("{env: ").replace("}", "", 1)
            yield Issue(
                "N014",
                target.origin.at("collection", "env" if clash[1].startswith("{") else "default"),
                f"the rows of grain {names[clash]} go to {named}, as those of grain {grain} of {other.id} do",
                "give one of the two another `target.collection`: a collection has one owner",
                ((other.target.origin.at("collection"), f"the target of {other.id}"),),
            )


def landings(subjects: Iterable[Subject]) -> Iterator[Issue]:
    """What is landed in one collection is the same, whatever subject lands it."""
    first: dict[str, Source] = {}
    sources = {source.origin: source for one in subjects for source in one.sources if source.landed}
    for one in sources.values():
        for name in sorted(names_of(one.collection)):
            other = first.setdefault(name, one)
            if _landing(other) != _landing(one):
                yield Issue(
                    "N019",
                    one.origin.at("collection"),
                    f"{other.name} lands something else in this collection",
                    "give it a collection of its own, or make one model of both",
                    ((other.origin.at("collection"), f"the collection of {other.name}"),),
                )
                break


def _landing(source: Source) -> tuple[object, ...]:
    """What the documents of a landed source follow from."""
    types = sorted((one.path, one.type) for one in source.fields)
    return source.file, source.http, source.time, source.updated, types
