"""What ``dashpipe show`` prints of a plan: nodes, passes, stages, index advice."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from dashpipe.compile import canonical, describe
from dashpipe.compile.lowering import need_lines
from dashpipe.compile.origins import origin_lines

if TYPE_CHECKING:
    from dashpipe.compile.describe import Days
    from dashpipe.compile.plan import Plan
    from dashpipe.run.explain import Explained


def as_text(plan: Plan, days: Days | None, asked: list[Explained] | None) -> str:
    """The plan for people; ``asked`` is what the servers say, where they were asked."""
    lines = [plan.subject.id, "=" * len(plan.subject.id), "", "Plan", "----", *describe.plan_lines(plan)]
    lines += ["Passes", "------", *describe.pass_lines(plan), ""]
    lines += ["States", "------", *origin_lines(plan), ""]
    needs = list(need_lines(plan))
    lines += ["Needs", "-----", *needs, ""] if needs else []
    lines += ["Indexes", "-------", *describe.index_lines(plan), ""]
    if asked is not None:
        lines += ["Server", "------"]
        for one in asked:
            lines.append(f"{one.source}, {one.grain}: {one.said}")
            lines += [f"  {one.help}"] if one.help else []
        lines.append("")
    lines = [describe.folded(line) for line in [*lines, "Stages", "------"]]
    for grain in plan.grains:
        labels = describe.labels(plan, grain, days)
        for title, where, stages in describe.stages_of(plan, grain, labels):
            lines += [f"{title}, on {where}:", describe.stages_text(stages), ""]
    return "\n".join(lines).rstrip()


def as_json(plan: Plan, days: Days | None, asked: list[Explained] | None) -> str:
    """The plan for programs."""
    document: dict[str, Any] = {
        "version": 1,
        "subject": plan.subject.id,
        "plan": [line for line in describe.plan_lines(plan) if line],
        "passes": [{"pass": one.step, "applied": one.applied, "text": one.text} for one in plan.notes],
        "states": list(origin_lines(plan)),
        "needs": list(need_lines(plan)),
        "stages": [
            {"title": title, "collection": where, "stages": json.loads(canonical.to_text(stages))}
            for grain in plan.grains
            for title, where, stages in describe.stages_of(plan, grain, describe.labels(plan, grain, days))
        ],
        "indexes": list(describe.index_lines(plan)),
    }
    if asked is not None:
        document["server"] = [asdict(one) for one in asked]
    return json.dumps(document, indent=2, ensure_ascii=False)
