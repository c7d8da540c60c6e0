"""Pipelines that read two collections: from the other side, or without ``$unionWith``.

Without it what is united is put into a collection first. Each branch is a pipeline of its own that adds its
documents there, each as the value of a field: so they get an ``_id`` of their own, and two that have the same
are both kept. The rest of the stages runs over these.
"""

from __future__ import annotations

from dataclasses import dataclass

from dashpipe.compile.emit.stages import Stages

_FIELD = "d"


@dataclass(frozen=True, slots=True)
class United:
    """A pipeline in parts.

    Attributes:
        branches: What to read, in order: a collection (``None``: that of the pipeline itself) and its stages.
        rest: What to do with all that they yield.
    """

    branches: tuple[tuple[str | None, Stages], ...]
    rest: Stages


def turned(stages: Stages, name: str) -> tuple[str, Stages] | None:
    """The pipeline from its other side: run on what it unites with first, with its own collection added.

    A server finds the same documents; one that serves no filter within ``$unionWith`` by an index reads all
    of the collection that is added, which should be the smaller one.

    Args:
        stages: The pipeline. The order of what it unites is of no matter to it; where it merges into the
            collection that it is run on, it has grouped all of it before.
        name: That collection.

    Returns:
        The other collection and the stages; ``None`` where nothing is united.
    """
    at = next((at for at, stage in enumerate(stages) if "$unionWith" in stage), None)
    if at is None:
        return None
    union = stages[at]["$unionWith"]
    added = {"$unionWith": {"coll": name, "pipeline": stages[:at]}}
    return union["coll"], [*union["pipeline"], added, *stages[at + 1 :]]


def taken_apart(stages: Stages) -> United | None:
    """A pipeline in parts, ``None`` where it reads one collection alone. Its unions follow each other."""
    places = [at for at, stage in enumerate(stages) if "$unionWith" in stage]
    if not places:
        return None
    first, last = places[0], places[-1]
    assert places == list(range(first, last + 1)), "a union of what was made of a union"
    wrapped = {"$project": {"_id": 0, _FIELD: "$$ROOT"}}
    branches: list[tuple[str | None, Stages]] = [(None, [*stages[:first], wrapped])]
    for at in places:
        union = stages[at]["$unionWith"]
        branches.append((union["coll"], [*union["pipeline"], wrapped]))
    return United(tuple(branches), [{"$replaceWith": f"${_FIELD}"}, *stages[last + 1 :]])
