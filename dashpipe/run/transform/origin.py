"""Where the rows of a coarser grain come from: stored states of a finer one, or the source.

One origin a source and partition, so that no row mixes two truths. States serve only where *every* finer
partition inside is in this run's staging, or published, over and with the same leaves. One that has not begun
yet has no rows: it does no harm while the source has no document in it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dashpipe.compile import emit, partition
from dashpipe.compile.plan import RollUp
from dashpipe.run import encode, ledger, operation, route
from dashpipe.run.base import Run, Session
from dashpipe.spec.model import Grain

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Origin:
    """Of the partitions of a grain: those to read from the source, and by finer grain those to merge."""

    scanned: tuple[str, ...]
    merged: Mapping[Grain, tuple[str, ...]] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        """How many partitions come from where, for the receipt."""
        return {"states": sum(map(len, self.merged.values())), "source": len(self.scanned)}


def decide(run: Run, session: Session, source: str, grain: Grain, way: str) -> Origin:
    """Decide for each partition of a grain, the coarsest serving grain first.

    Args:
        run: The run.
        session: Its session.
        source: The source.
        grain: The grain to be computed; all finer ones are in staging.
        way: The source's route.
    """
    left = run.partitions.get(grain, ())
    rule = run.plan.rollup(source, grain)
    if rule is None or not left:
        return Origin(left)
    merged: dict[Grain, tuple[str, ...]] = {}
    for finer in rule.finer:
        able = _able(run, session, rule, finer, left, way)
        if able:
            merged[finer] = tuple(label for label in left if label in able)
            left = tuple(label for label in left if label not in able)
    return Origin(left, merged)


def _able(
    run: Run, session: Session, rule: RollUp, finer: Grain, labels: tuple[str, ...], way: str
) -> frozenset[str]:
    """Those of some partitions that the states of ``finer`` make up."""
    subject, staged = run.subject, frozenset(run.partitions.get(finer, ()))
    inside = {label: partition.contains(rule.grain, label, finer, subject.calendar) for label in labels}
    others = [one for some in inside.values() for one in some if one not in staged]
    needed = {leaf.id for leaf in run.plan.source(rule.source).own_at(rule.grain)}
    stored = whole(run, session, rule.source, finer, others, needed)
    unknown = [one for one in others if one not in stored]
    ahead = {one for one in unknown if partition.bounds(finer, one, subject.calendar)[0] >= run.as_of}
    able: set[str] = set()
    for label, some in inside.items():
        lacking = tuple(one for one in some if one not in staged and one not in stored)
        if not ahead.issuperset(lacking):
            continue
        if not lacking or is_empty(run, session, rule.source, finer, lacking, way):
            able.add(label)
    return frozenset(able)


def whole(
    run: Run, session: Session, source: str, grain: Grain, labels: Iterable[str], needed: Collection[str]
) -> frozenset[str]:
    """Those of some partitions that are published, over, and hold the states of some leaves."""
    found = ledger.published(session.target, run.subject.id, grain, labels)
    return frozenset(
        label
        for label, row in found.items()
        if row["complete"] and set(needed) <= set(row["leaves"].get(source, ()))
    )


def is_empty(
    run: Run, session: Session, source: str, grain: Grain, labels: tuple[str, ...], way: str
) -> bool:
    """Whether the source has no document in some partitions."""
    wanted = emit.time_match(run.plan, run.plan.source(source), grain, labels, exactly=True)
    return has_none(run, session, source, wanted, way)


def has_none(run: Run, session: Session, source: str, wanted: list[Document], way: str) -> bool:
    """Whether no document of a source passes some filters."""
    stages = encode.to_bson([*wanted, {"$limit": 1}, {"$project": {"_id": 1}}])
    reader = route.reader(run, session, source, way)
    return next(reader.aggregate(stages, **operation.options(run, "transform")), None) is None
