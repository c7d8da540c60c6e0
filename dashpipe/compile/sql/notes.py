"""What a reader of a query must know besides: what its tables stand for, and where runs do something else."""

from __future__ import annotations

from collections.abc import Iterator

from dashpipe.compile.plan import Plan, Ratio
from dashpipe.expr import FieldType, Typed
from dashpipe.spec.model import Grain


def notes(plan: Plan, grain: Grain) -> Iterator[str]:
    """The notes on the query of a grain, a line each."""
    yield "Tables hold the documents, each field a column of its type; a value of another type is NULL."
    yield "A row of the target has besides: _id, grain, complete, created_at, updated_at."
    for source in plan.sources:
        kept_out = [one.path for one in source.source.fields if one.on_type_error == "quarantine"]
        if kept_out:
            yield f"{source.name}: the table lacks the documents in quarantine, by {', '.join(kept_out)}."
        if source.source.prepare:
            yield f"{source.name}: the table holds what comes of its `prepare` stages (not said in SQL)."
        if source.quarantined:
            fields = ", ".join(path for path, _ in source.quarantined)
            yield f"{source.name}: the table is without documents in quarantine (a mistyped {fields})."
    leaves = [leaf for source in plan.sources for leaf in source.leaves_at(grain)]
    read = [typed for leaf in leaves for typed in leaf.reads]
    for source in plan.sources:
        read += [one.expr for one in source.key]
        read += [one for one in (source.where, *source.unique) if one is not None]
    if any(_calls(typed, ("lower", "upper")) for typed in read):
        yield "lower and upper change the letters A to Z alone in a run; here they change all."
    if any(leaf.type is FieldType.DECIMAL for leaf in leaves):
        yield "Decimals have 34 digits in a run; here quotients of them are doubles."
    if any(leaf.kind == "approximate" for leaf in leaves):
        yield "An estimated percentile is the server's in a run, and DuckDB's own here."
    if any(leaf.frame.runs for leaf in leaves):
        yield "A partition that is not over runs back from the day of a run; here from its end."
    if any(one.lookup.valid is not None for one in plan.lookups):
        yield "Of a partition that is not over a run looks up what holds on its own day; here on the last."
    if any(leaf.kind == "retention" for leaf in leaves):
        yield "Periods of a retention that have not begun are null in a run; here they are 0."
    if plan.fills(grain):
        yield "Added rows follow from all partitions since the start; in a run, from those published."
    for one in plan.columns_at(grain):
        if isinstance(one.finaliser, Ratio) and one.finaliser.on_zero == "error":
            yield f"{one.name}: a run fails where the denominator is 0; here it is NULL."
    for leaf in leaves:
        if leaf.options.at_most:
            yield f"{leaf.label}: a run fails above {leaf.options.at_most} values."


def _calls(typed: Typed, names: tuple[str, ...]) -> bool:
    own = typed.kind == "call" and typed.value[0] in names
    return own or any(_calls(one, names) for one in typed.args)
