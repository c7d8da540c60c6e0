"""The logical plan as a tree, what each pass did, and the indexes: in words."""

from __future__ import annotations

import json
from collections.abc import Iterator

from dashpipe.compile import advice, emit, instant
from dashpipe.compile.describe.names import place, target_of
from dashpipe.compile.passes import reach
from dashpipe.compile.plan import (
    Carried,
    Column,
    Formula,
    Mean,
    OfDays,
    Plan,
    Ratio,
    Same,
    SourcePlan,
    Spread,
    Value,
)
from dashpipe.spec.model import COHORTS, Grain

#: From so many columns on those of a longer grain that are as in the finest are not said again.
_MANY = 8


def plan_lines(plan: Plan) -> Iterator[str]:
    """The logical plan, one node a line, indented as a tree that is read from the bottom up."""
    subject = plan.subject
    for grain in plan.grains:
        target = target_of(plan, grain)
        per = ", ".join((*(one.name for one in subject.row_key), grain.value))
        yield f"Write {target}: one row per {per}"
        yield from _columns(plan, grain)
        for length in plan.fills(grain):
            yield f"  Fill the {length} after a key's last own row"
        for lookup in plan.lookups:
            wanted = lookup.lookup
            found = f"{place(wanted.collection)}.{wanted.field}"
            held = "" if wanted.valid is None else ", as it holds on the partition's last day"
            step = "Group by" if lookup.grouped else "Lookup"
            yield f"  {step} {lookup.name} = {found} where {wanted.foreign} = {lookup.key}{held}"
        indent = "  "
        if len(plan.sources) > 1:
            yield f"  Join {', '.join(one.name for one in plan.sources)} by key"
            indent = "    "
        for source in plan.sources:
            yield from _source_lines(plan, grain, source, indent)
        yield ""


def _columns(plan: Plan, grain: Grain) -> Iterator[str]:
    """How the columns of a grain are finished; many that are as in the finest grain are only named."""
    lines = {grain: dict(_finished(plan, grain)) for grain in (plan.grains[0], grain)}
    first, own = lines[plan.grains[0]], lines[grain]
    same = [name for name, line in own.items() if first.get(name) == line]
    if grain is plan.grains[0] or len(same) < _MANY:
        yield from own.values()
        return
    left = [name for name in first if name not in own]
    without = f", without {', '.join(left)}" if left else ""
    yield f"  Finalise as at {plan.grains[0].value}{without}: {', '.join(same)}"
    yield from (line for name, line in own.items() if name not in same)


def _finished(plan: Plan, grain: Grain) -> Iterator[tuple[str, str]]:
    for column in plan.columns_at(grain):
        hidden = "" if grain in column.shown else " (hidden)"
        yield column.name, f"  Finalise {column.name} = {finaliser(plan, column)}{hidden}"


def _source_lines(plan: Plan, grain: Grain, source: SourcePlan, indent: str) -> Iterator[str]:
    """What is made of a source, from the states that serve down to its scan."""
    merging = plan.merging(source.name, grain)
    if merging is not None:
        over = reach.reached(plan, source, grain)
        held = "" if over is None else over.text
        yield f"{indent}Reach {source.name} over {held}, where all are published; else"
        if plan.runs_on(source.name, grain):
            yield f"{indent}  of all time: over the running state, where it holds, and the days since"
    roll = plan.rollup(source.name, grain)
    if roll is not None:
        finer = " or ".join(one.value for one in roll.finer)
        yield f"{indent}RollUp {source.name} from states of {finer}, where all are published; else"
    shared = plan.shared_of(source.name, grain)
    if shared:
        labels = ", ".join(leaf.label for leaf in shared)
        yield f"{indent}Count {labels} from kept values, where the rows' own are; else"
    for one in source.aggregates:
        ids = {leaf.id for leaf in source.leaves_at(grain)}
        leaves = [leaf for leaf in one.leaves if leaf.id in ids]
        if leaves:
            yield f"{indent}Aggregate {source.name}: {', '.join(leaf.label for leaf in leaves)}"
    for leaf in plan.kept_at(source.name, grain):
        yield f"{indent}Keep the values of {leaf.label}"
    for leaf in emit.retained(plan, grain, source.name):
        yield f"{indent}Cohorts {source.name}: {leaf.label}"
    for leaf in emit.followed(plan, grain, source.name):
        newer = "the documents of its periods" if leaf.kind in COHORTS else "what is newer"
        yield f"{indent}  {leaf.label}: over what is kept, where it holds, and {newer}"
    for beside in (False, True):
        for _, followed in emit.journeys(plan, grain, source.name, beside=beside):
            yield f"{indent}Follow {', '.join(leaf.label for leaf in followed)}"
    for key in source.key:
        yield f"{indent}  Derive {key.name}: {key.type.value}"
    if source.source.where is not None:
        yield f"{indent}  Filter {source.source.where}"
    if source.source.unwind is not None:
        yield f"{indent}  Unwind {source.source.unwind.path} as {source.source.unwind.alias}"
    if source.unique:
        yield f"{indent}  Newest by {', '.join(source.source.unique)}"
    if source.source.prepare:
        names = (next(iter(json.loads(one))) for one in source.source.prepare)
        yield f"{indent}  Prepare {', '.join(names)}"
    time = source.source.time
    form = "" if time.kind == "date" else f", {instant.WORDS[time.kind]}"
    how = "as it stands" if source.source.snapshot else f"by {time.field}{form}"
    yield f"{indent}  Scan {place(source.source.collection)} {how}"


def finaliser(plan: Plan, column: Column) -> str:
    """How a column is finished, in words."""
    labels = {leaf.id: leaf.label for source in plan.sources for leaf in source.leaves}
    match column.finaliser:
        case Value(leaf):
            return labels[leaf]
        case Carried(own, before):
            return f"{labels[own]}, else {labels[before]}"
        case Mean(total, count):
            return f"{labels[total]} / {labels[count]}"
        case Spread(state, population, root):
            name = ("stddev" if root else "variance") + ("_pop" if population else "_samp")
            return f"{name} from {labels[state]}"
        case Ratio(numerator, denominator, _):
            return f"{numerator} / {denominator}"
        case Same(other):
            return other
        case OfDays(leaf, other):
            told = [] if leaf is None else [labels[leaf]]
            return "; ".join([*told, *([] if other is None else [f"up to day {other}"])])
        case Formula(_, refs):
            metric = next((one for one in plan.subject.metrics if one.name == column.name), None)
            return (metric.expr if metric is not None else None) or " ".join(name for name, _ in refs)
    raise AssertionError(column.finaliser)  # pragma: no cover -- the union is closed


def pass_lines(plan: Plan) -> Iterator[str]:
    """What each pass did, or why it did nothing."""
    for note in plan.notes:
        yield f"{note.step}: {'applied' if note.applied else 'not applied'} — {note.text}"


def index_lines(plan: Plan) -> Iterator[str]:
    """The indexes that the sources should have, and those that a run creates on the targets."""
    for source in plan.sources:
        index = advice.of_source(source)
        where = place(source.source.collection)
        yield f"source {where}: {{{_fields(index)}}} — {index.why}; create it if it is missing"
    for grain in plan.grains:
        target = target_of(plan, grain)
        for index in advice.of_target(plan.subject, grain):
            yield f"target {target}: {{{_fields(index)}}} — {index.why}; a run creates it"


def _fields(index: advice.Index) -> str:
    return ", ".join(f"{field}: {direction}" for field, direction in index.fields)
