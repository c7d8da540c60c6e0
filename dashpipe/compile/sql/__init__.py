"""A subject's rows as SQL, for a reader who knows no stages: one query a grain, in DuckDB's dialect.

It is derived from the plan as the stages are, and tested against them: over tables that hold the documents,
typed as the spec says, the query gives the rows that the stages give.
"""

from __future__ import annotations

from dataclasses import dataclass

from dashpipe.compile.plan import Plan
from dashpipe.compile.sql.expression import Unsayable
from dashpipe.compile.sql.gather import Gathered
from dashpipe.compile.sql.notes import notes
from dashpipe.compile.sql.query import query
from dashpipe.compile.sql.tables import Table, tables
from dashpipe.spec.model import Grain


@dataclass(frozen=True, slots=True)
class Query:
    """The query of a grain: its text (empty: SQL says none), what it does not say, what to know besides."""

    grain: Grain
    text: str
    unsaid: tuple[str, ...]
    notes: tuple[str, ...]


def of_grain(plan: Plan, grain: Grain, labels: tuple[str, ...]) -> Query:
    """The rows of some partitions of a grain as a query over `tables(plan)`.

    Args:
        plan: The plan.
        grain: The grain.
        labels: The partitions, at least one.
    """
    given = Gathered(plan, grain, labels, tables(plan))
    try:
        text = query(given)
    except Unsayable as unsaid:
        return Query(grain, "", (str(unsaid),), tuple(notes(plan, grain)))
    return Query(grain, text, tuple(given.unsaid), tuple(notes(plan, grain)))


def settings(plan: Plan) -> str:
    """The statement that goes before a query: dates are read in the subject's zone."""
    return f"SET TimeZone = '{plan.subject.timezone}';"


def script(plan: Plan, made: Query) -> str:
    """A query with all that is to be known of it in comments, to be pasted into DuckDB."""
    told = [f"{plan.subject.id}, grain {made.grain.value}", *made.notes]
    told += [f"not said in SQL: {one}" for one in made.unsaid]
    told += [one.statement for one in tables(plan)]
    lines = [f"-- {line}" for line in told]
    return "\n".join([*lines, settings(plan), *([made.text] if made.text else [])])


__all__ = ["Query", "Table", "of_grain", "script", "settings", "tables"]
