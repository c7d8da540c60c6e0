"""What ``dashpipe show --sql`` prints: the query of each grain."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dashpipe.compile import describe, sql

if TYPE_CHECKING:
    from dashpipe.compile.describe import Days
    from dashpipe.compile.plan import Plan


def as_text(plan: Plan, days: Days | None) -> str:
    """The queries as one script."""
    made = (sql.of_grain(plan, grain, describe.labels(plan, grain, days)) for grain in plan.grains)
    return "\n\n".join(sql.script(plan, one) for one in made)


def as_json(plan: Plan, days: Days | None) -> str:
    """The queries for programs."""
    made = [sql.of_grain(plan, grain, describe.labels(plan, grain, days)) for grain in plan.grains]
    document = {
        "version": 1,
        "subject": plan.subject.id,
        "settings": sql.settings(plan),
        "tables": {one.name: dict(one.columns) for one in sql.tables(plan)},
        "queries": [
            {"grain": one.grain.value, "sql": one.text, "notes": one.notes, "unsaid": one.unsaid}
            for one in made
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)
