"""What ``dashpipe show`` prints of a plan: nodes, passes, stages, index advice."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dashpipe.compile import canonical, describe

if TYPE_CHECKING:
    from dashpipe.compile.describe import Days
    from dashpipe.compile.plan import Plan


def as_text(plan: Plan, days: Days | None) -> str:
    """The plan for people."""
    lines = [plan.subject.id, "=" * len(plan.subject.id), "", "Plan", "----", *describe.plan_lines(plan)]
    lines += ["Passes", "------", *describe.pass_lines(plan), ""]
    lines += ["Stages", "------"]
    for grain in plan.grains:
        labels = describe.labels(plan, grain, days)
        for title, where, stages in describe.stages_of(plan, grain, labels):
            lines += [f"{title}, on {where}:", describe.stages_text(stages), ""]
    lines += ["Indexes", "-------", *describe.index_lines(plan)]
    return "\n".join(lines)


def as_json(plan: Plan, days: Days | None) -> str:
    """The plan for programs."""
    document = {
        "version": 1,
        "subject": plan.subject.id,
        "plan": [line for line in describe.plan_lines(plan) if line],
        "passes": [{"pass": one.step, "applied": one.applied, "text": one.text} for one in plan.notes],
        "stages": [
            {"title": title, "collection": where, "stages": json.loads(canonical.to_text(stages))}
            for grain in plan.grains
            for title, where, stages in describe.stages_of(plan, grain, describe.labels(plan, grain, days))
        ],
        "indexes": list(describe.index_lines(plan)),
    }
    return json.dumps(document, indent=2, ensure_ascii=False)
