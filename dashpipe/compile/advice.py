"""Index advice: what the scans of a plan want of a source, and what dashboards' queries want of a target."""

from __future__ import annotations

from dataclasses import dataclass

from dashpipe.compile.plan import SourcePlan
from dashpipe.spec.model import Grain, Subject


@dataclass(frozen=True, slots=True)
class Index:
    """An index: its fields in order, each with 1 or -1, and why it is wanted."""

    fields: tuple[tuple[str, int], ...]
    why: str

    @property
    def name(self) -> str:
        """MongoDB's own naming: ``field_1_other_-1``."""
        return "_".join(f"{field}_{direction}" for field, direction in self.fields)


def of_source(source: SourcePlan) -> Index:
    """The index that serves a source's scans: equal filters first, then the time (equality, then range)."""
    equal = sorted(
        field
        for one in source.aggregates[:1]
        if one.query is not None and not _shaped(source)
        for field in _equal(one.query)
        if field != source.source.time.field
    )
    if source.source.snapshot:
        first = tuple((field, 1) for field in equal) or (("_id", 1),)
        return Index(first, "a snapshot reads every document that passes its filters")
    fields = (*((field, 1) for field in equal), (source.source.time.field, 1))
    why = "every scan begins with a range of this time field"
    return Index(fields, why + (f", after {', '.join(equal)} equal to a constant" if equal else ""))


def _shaped(source: SourcePlan) -> bool:
    """Whether something stands between the time range and the filters, so that no index serves these."""
    return bool(source.source.prepare or source.unique or source.source.unwind)


def _equal(query: dict[str, object]) -> set[str]:
    found: set[str] = set()
    for field, test in query.items():
        if field == "$and" and isinstance(test, list):
            found = found.union(*(_equal(one) for one in test))
        elif not field.startswith("$") and (not isinstance(test, dict) or "$eq" in test):
            found.add(field)
    return found


def of_target(subject: Subject, grain: Grain) -> tuple[Index, ...]:
    """The indexes of a target collection: one a query of ``target.queries``, and ``partition_date`` always.

    An index that is a prefix of another is left out: the longer one serves its queries too.
    """
    wanted: dict[tuple[tuple[str, int], ...], str] = {}
    for query in subject.target.queries:
        fields = tuple((field, 1) for field in query.equal)
        if query.range is not None:
            fields += ((query.range, -1 if fields else 1),)  # an index of one field is read either way
        if fields:
            wanted.setdefault(
                fields, f"the query by {', '.join((*query.equal, *filter(None, [query.range])))}"
            )
    dated: tuple[tuple[str, int], ...] = (("partition_date", 1),)
    if grain is Grain.HOUR:
        dated += (("partition_hour", 1),)
    wanted.setdefault(dated, "every run reads and replaces whole partitions")
    kept = [one for one in wanted if not any(one != other and other[: len(one)] == one for other in wanted)]
    return tuple(Index(one, wanted[one]) for one in kept)
