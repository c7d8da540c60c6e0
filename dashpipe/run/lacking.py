"""Fields that no document of a run has: most often renamed at the source, or misspelt in the spec.

A sum over them is 0 and a mean null, and nothing else would tell. What is kept of earlier partitions says
whether that is new; of a field that few documents had before, it means nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashpipe.run import state
from dashpipe.run.base import Run, Session

Document = dict[str, Any]

#: So many partitions before are looked at.
BEFORE = 62

#: A field that a smaller share of the documents had is absent now and then.
_MOST = 0.5


def told(run: Run, session: Session, source: str, fields: Sequence[Document]) -> list[str]:
    """Warnings of the fields that are in no document of the run.

    Args:
        run: The run.
        session: Where it works.
        source: The source.
        fields: The counts of each field, summed over the run, which the partitions do not hold yet.
    """
    absent = {one["field"]: one for one in fields if one["of"] and one["missing"] == one["of"]}
    if not absent:
        return []
    about = {"subject": run.subject.id, "source": source, "grain": run.plan.grains[0].value}
    known = session.target[state.VALUES].find(about, {"fields": 1}).sort("partition", -1).limit(BEFORE)
    of, had = dict.fromkeys(absent, 0), dict.fromkeys(absent, 0)
    for document in known:
        for one in document["fields"]:
            if one["field"] in absent:
                of[one["field"]] += one["of"]
                had[one["field"]] += one["of"] - one["missing"]
    return [
        f"none of {one['of']:,} documents of {source} has `{name}`"
        + (
            f", and {had[name]:,} of {of[name]:,} before had: was it renamed?"
            if had[name]
            else ": is its name right?"
        )
        for name, one in absent.items()
        if not had[name] or had[name] >= _MOST * of[name]
    ]
