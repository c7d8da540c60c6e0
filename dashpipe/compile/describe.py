"""A plan in words: what is read, aggregated, joined, finished and written, and what each pass did."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta

from dashpipe.compile import advice, canonical, emit, instant, partition, periods
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
from dashpipe.spec.model import Env, EnvText, Grain
from dashpipe.spec.naming import collection_name

#: Local days ``[from, to)``.
Days = tuple[date, date]


def place(collection: EnvText) -> str:
    """A collection as a reader of the spec knows it: its name, or the variable and its default."""
    if isinstance(collection, Env):
        return f"${collection.name}" + (
            f" (default {collection.default})" if collection.default is not None else ""
        )
    return collection


def plan_lines(plan: Plan) -> Iterator[str]:
    """The logical plan, one node a line, indented as a tree that is read from the bottom up."""
    subject = plan.subject
    for grain in plan.grains:
        target = _target(plan, grain)
        per = ", ".join((*(one.name for one in subject.row_key), grain.value))
        yield f"Write {target}: one row per {per}"
        for column in plan.columns_at(grain):
            yield f"  Finalise {column.name} = {finaliser(plan, column)}" + (
                "" if grain in column.shown else " (hidden)"
            )
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
            for leaf in emit.followed(plan, grain, source.name):
                yield f"{indent}  {leaf.label}: over what is kept, where it holds, and what is newer"
            for leaf in emit.retained(plan, grain, source.name):
                yield f"{indent}Cohorts {source.name}: {leaf.label}"
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
        yield ""


def _target(plan: Plan, grain: Grain) -> str:
    return collection_name(place(plan.subject.target.collection), grain, plan.subject.version)


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


def stages_of(plan: Plan, grain: Grain, labels: tuple[str, ...]) -> list[tuple[str, str, emit.Stages]]:
    """Every pipeline of a grain's transform from the sources: what it does, where it runs, its stages."""
    found: list[tuple[str, str, emit.Stages]] = []
    lookups = {one.name: f"staging_lookup_{one.name}" for one in plan.lookups}
    wholes = {of: f"staging_whole{at}" for at, of in enumerate(emit.wholes(plan, grain))}
    final = emit.finalise(plan, grain, (), lookups, "staging", wholes)
    daily = {of: f"staging_days{at}" for at, of in enumerate(emit.days(plan, grain))}
    if emit.direct(plan, grain):
        source = plan.sources[0]
        stages = emit.scan(plan, grain, source.name, labels, None)[0] + final
        return [(f"{grain.value}: rows of {source.name}", place(source.source.collection), stages)]
    rows = emit.places("staging_parts", wholes, daily)
    places = rows
    if plan.subject.hidden_keys:
        places = {of: f"staging_hidden{at}" for at, of in enumerate((*rows, emit.PAIRS))}
    for source in plan.sources:
        into = emit.Ref("target", places[None])
        what, where = f"{grain.value}: parts of {source.name}", place(source.source.collection)
        found += [(what, where, stages) for stages in emit.scan(plan, grain, source.name, labels, into)]
        for stages in emit.pairs(plan, grain, source.name, labels):
            values = emit.merge(emit.Ref("target", places[emit.PAIRS]))
            found.append((f"{grain.value}: values beside hidden keys", where, [*stages, *values]))
        if plan.kept_at(source.name, grain):
            kept, stored = emit.Ref("target", "staging_values"), f"{_target(plan, grain)}__values"
            for stages in emit.values(plan, source.name, labels):
                found.append((f"{grain.value}: values to keep", where, [*stages, *emit.merge(kept)]))
            counted = emit.of_values(plan, grain, source.name, labels, labels, stored, into)
            found += [(f"{grain.value}: counts of kept values", "staging_values", one) for one in counted]
        found += _conversions(plan, grain, source.name, labels, places)
        merging = plan.merging(source.name, grain)
        further = f"{grain.value}: what {source.name} reaches back to"
        for of, stages in emit.scans(
            plan, grain, source.name, labels, merging=merging is not None, counted=True
        ):
            found.append((further, where, [*stages, *emit.merge(emit.Ref("target", places[of]))]))
        if merging is None:
            found += _conversions(plan, grain, source.name, labels, places, beside=True)
        found += _followed(plan, grain, source, labels)
        for told, of, stages in _over_values(plan, grain, source.name, labels):
            found.append((told, "staging_values", [*stages, *emit.merge(emit.Ref("target", places[of]))]))
        for leaf in emit.retained(plan, grain, source.name):
            stages = emit.cohorts(plan, grain, leaf, labels)
            found.append((f"{grain.value}: cohorts of {source.name}", where, [*stages, *emit.merge(into)]))
        if merging is not None:
            ours = "staging_parts" if merging.atom is grain else f"staging_{merging.atom.value}"
            target = _target(plan, merging.atom)
            for of, stages in emit.over_states(plan, grain, source.name, labels, (), target):
                found.append((further, ours, [*stages, *emit.merge(emit.Ref("target", places[of]))]))
            found += _running(plan, grain, source.name, labels, ours)
    into = emit.Ref("target", rows[None])
    found += _by_found(plan, grain, labels, lookups, places, rows)
    if plan.fills(grain):
        target = _target(plan, grain)
        added = emit.filled(plan, grain, labels, labels, target, into)
        found.append((f"{grain.value}: rows that are added", "staging_parts", added))
    for of, name in wholes.items():
        what = f"{grain.value}: parts of {', '.join(of) or 'all rows'}"
        whole = emit.Ref("target", name)
        found += [(what, "staging_parts", stages) for stages in emit.of_parts(plan, grain, of, whole)]
    for days, name in daily.items():
        each = [*emit.days_of(plan, grain, days, labels), *emit.merge(emit.Ref("target", name))]
        found.append((f"{grain.value}: days of the rows", "staging_parts", each))
        made = [*emit.over_days(plan, grain, days), *emit.merge(into)]
        found.append((f"{grain.value}: what is made of the days", name, made))
    found.append((f"{grain.value}: rows from parts", "staging_parts", final))
    for one in found[:-1]:
        emit.verify(one[2])
    return found


def _conversions(
    plan: Plan,
    grain: Grain,
    source: str,
    labels: tuple[str, ...],
    into: emit.Places,
    *,
    beside: bool = False,
) -> list[tuple[str, str, emit.Stages]]:
    """The pipelines that bring events together, and those that count conversions of them."""
    found: list[tuple[str, str, emit.Stages]] = []
    for journey, leaves in emit.journeys(plan, grain, source, beside=beside):
        gathered = emit.merge(emit.Ref("target", "staging_events"))
        for name, stages in emit.events(plan, journey, leaves, grain, labels):
            from_ = place(plan.source(name).source.collection)
            found.append((f"{grain.value}: events of {name}", from_, [*stages, *gathered]))
        for of, stages in emit.attributed(plan, journey, leaves, grain, labels):
            follow = [*stages, *emit.merge(emit.Ref("target", into[of]))]
            found.append((f"{grain.value}: conversions", "staging_events", follow))
    return found


def _by_found(
    plan: Plan,
    grain: Grain,
    labels: tuple[str, ...],
    lookups: dict[str, str],
    places: emit.Places,
    rows: emit.Places,
) -> Iterator[tuple[str, str, emit.Stages]]:
    """The pipelines that merge what is of hidden keys by what was found for them."""
    if not plan.subject.hidden_keys:
        return
    by = ", ".join(one.name for one in plan.lookups if one.grouped)
    for groupings in (emit.grouped, emit.regrouped):
        for one in groupings(plan, grain, labels, lookups):
            into = emit.merge(emit.Ref("target", rows[one.of]))
            where = places[emit.PAIRS if one.pairs else one.of]
            yield f"{grain.value}: parts of {one.source} by {by}", where, [*one.stages, *into]


def _followed(
    plan: Plan, grain: Grain, source: SourcePlan, labels: tuple[str, ...]
) -> list[tuple[str, str, emit.Stages]]:
    """The same of carried balances over what is kept, which here takes all days before the partitions."""
    before = (periods.day_of(labels[0]) - timedelta(days=1)).isoformat()
    kept = emit.Standing(f"{_target(plan, plan.grains[0])}__state", 1, before)
    where, into = place(source.source.collection), emit.Ref("target", "staging_parts")
    found: list[tuple[str, str, emit.Stages]] = []
    for leaf in emit.followed(plan, grain, source.name):
        about = f"{grain.value}: {leaf.label}, over what is kept"
        newer = emit.newer(plan, grain, leaf, labels, kept, None)
        if newer:
            found.append((about, where, [*newer, *emit.merge(emit.Ref("target", "staging_balances"))]))
            found.append((about, "staging_balances", emit.carried_on(plan, grain, leaf, labels, kept, into)))
    return found


def _over_values(
    plan: Plan, grain: Grain, source: str, labels: tuple[str, ...]
) -> Iterator[tuple[str, emit.Beside | None, emit.Stages]]:
    """What is counted from kept values beside the rows' own partitions and keys; all of it is stored here."""
    stored = f"{_target(plan, plan.grains[0])}__values"
    for of, stages in emit.over_values(plan, grain, source, labels, (), stored):
        yield f"{grain.value}: what {source} reaches back to, of kept values", of, stages
    for whole, stages in emit.over_wholes(plan, grain, source, labels, (), stored):
        yield f"{grain.value}: kept values of {', '.join(whole) or 'all rows'}", whole, stages


def _running(
    plan: Plan, grain: Grain, source: str, labels: tuple[str, ...], ours: str
) -> list[tuple[str, str, emit.Stages]]:
    """The same over a running state, which here takes all days before the partitions; and the next one."""
    how = plan.merging(source, grain)
    one = None if how is None or not plan.runs_on(source, grain) else plan.running_of(source, how.atom)
    if one is None:
        return []
    before = (periods.day_of(labels[0]) - timedelta(days=1)).isoformat()
    kept = emit.Standing(f"{_target(plan, plan.grains[0])}__state", 1, before)
    target, into = _target(plan, one.atom), emit.Ref("target", "staging_parts")
    found = emit.over_states(plan, grain, source, labels, (), target, standing=kept)
    about = f"{grain.value}: what {source} reaches back to, over a running state"
    made = [
        (about, ours, [*stages, *emit.merge(into)])
        for _, stages in found
        if kept.collection in json.dumps(stages, default=str)
    ]
    if grain is not one.atom:
        return made
    ahead = emit.advanced(plan, one, kept, labels[0][:10], 2, emit.Ref("target", "staging_state"))
    return [*made, (f"{grain.value}: the next running state of {source}", target, ahead)]


def index_lines(plan: Plan) -> Iterator[str]:
    """The indexes that the sources should have, and those that a run creates on the targets."""
    for source in plan.sources:
        index = advice.of_source(source)
        where = place(source.source.collection)
        yield f"source {where}: {{{_fields(index)}}} — {index.why}; create it if it is missing"
    for grain in plan.grains:
        target = _target(plan, grain)
        for index in advice.of_target(plan.subject, grain):
            yield f"target {target}: {{{_fields(index)}}} — {index.why}; a run creates it"


def _fields(index: advice.Index) -> str:
    return ", ".join(f"{field}: {direction}" for field, direction in index.fields)


def sample_labels(plan: Plan, grain: Grain) -> tuple[str, ...]:
    """The first partition of a grain: literal bounds to show stages with, the same on every day."""
    subject = plan.subject
    start = partition.midnight(periods.day_of(subject.start), subject.timezone)
    return (partition.of_instant(grain, start, subject.calendar),)


def labels(plan: Plan, grain: Grain, days: Days | None) -> tuple[str, ...]:
    """The partitions of a grain that the local days ``[from, to)`` touch; of none, the first.

    Of a snapshot the last of them: a run writes only one.
    """
    if days is None:
        return sample_labels(plan, grain)
    start, end = (partition.midnight(one, plan.subject.timezone) for one in days)
    found = partition.touching(grain, start, end, plan.subject.calendar)
    return found[-1:] if plan.subject.snapshot else found


def stages_text(stages: emit.Stages) -> str:
    """Stages as JSON to paste into a shell."""
    return canonical.to_text(stages, indent=2)
