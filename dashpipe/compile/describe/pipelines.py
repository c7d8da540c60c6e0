"""Every pipeline of a transform, in its order: what it does, where it runs, its stages."""

from __future__ import annotations

import json
from collections.abc import Iterator

from dashpipe.compile import canonical, emit
from dashpipe.compile.describe.layout import laid_out
from dashpipe.compile.describe.names import place, target_of
from dashpipe.compile.describe.reaching import Pipeline, reaching
from dashpipe.compile.plan import Plan
from dashpipe.spec.model import Grain


def stages_of(plan: Plan, grain: Grain, labels: tuple[str, ...]) -> list[Pipeline]:
    """Every pipeline of a grain's transform from the sources: what it does, where it runs, its stages."""
    found: list[Pipeline] = []
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
            kept, stored = emit.Ref("target", "staging_values"), f"{target_of(plan, grain)}__values"
            for stages in emit.values(plan, source.name, labels):
                found.append((f"{grain.value}: values to keep", where, [*stages, *emit.merge(kept)]))
            counted = emit.of_values(plan, grain, source.name, labels, labels, stored, into)
            found += [(f"{grain.value}: counts of kept values", "staging_values", one) for one in counted]
        found += reaching(plan, grain, source, labels, places)
    into = emit.Ref("target", rows[None])
    found += _by_found(plan, grain, labels, lookups, places, rows)
    if plan.fills(grain):
        target = target_of(plan, grain)
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


def _by_found(
    plan: Plan,
    grain: Grain,
    labels: tuple[str, ...],
    lookups: dict[str, str],
    places: emit.Places,
    rows: emit.Places,
) -> Iterator[Pipeline]:
    """The pipelines that merge what is of hidden keys by what was found for them."""
    if not plan.subject.hidden_keys:
        return
    by = ", ".join(one.name for one in plan.lookups if one.grouped)
    for groupings in (emit.grouped, emit.regrouped):
        for one in groupings(plan, grain, labels, lookups):
            into = emit.merge(emit.Ref("target", rows[one.of]))
            where = places[emit.PAIRS if one.pairs else one.of]
            yield f"{grain.value}: parts of {one.source} by {by}", where, [*one.stages, *into]


def stages_text(stages: emit.Stages) -> str:
    """Stages as JSON to paste into a shell."""
    return laid_out(json.loads(canonical.to_text(stages)))
