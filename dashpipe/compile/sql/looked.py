"""What documents are looked up by before they are grouped, where a row's key is of what is found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from dashpipe.compile.plan import LookupPlan
from dashpipe.compile.sql.names import path, quoted
from dashpipe.spec.model import Valid

#: The day as of which something holds, of each partition: a table of these.
LAST_DAYS = "last_days"


@dataclass(frozen=True, slots=True)
class Looked:
    """A dimension that is found for each document.

    Attributes:
        lookup: How.
        table: The table that it stands in.
        alias: What that is called in a query.
        days: The table of the days as of which it holds; empty where it holds always.
    """

    lookup: LookupPlan
    table: str
    alias: str
    days: str = ""

    @property
    def column(self) -> str:
        """What was found, under its name."""
        return f"{path(self.alias, self.lookup.lookup.field)} AS {quoted(self.lookup.name)}"

    def join(self, documents: str) -> str:
        """What brings it beside documents."""
        wanted = self.lookup.lookup
        made = f"\n  LEFT JOIN {quoted(self.table)} AS {self.alias}"
        made += f" ON {path(self.alias, wanted.foreign)} = {documents}.{quoted(self.lookup.key)}"
        if wanted.valid is not None:
            made += "".join(f"\n    AND {one}" for one in holds(wanted.valid, self.alias, self.days))
        return made


def holds(valid: Valid, alias: str, days: str) -> Iterator[str]:
    """The tests that a document holds on the day that a partition has in a table of days."""
    for field, test in ((valid.start, "<="), (valid.end, ">")):
        if field is not None:
            yield f"coalesce({path(alias, field)} {test} {days}.last_day, TRUE)"


def last_days(name: str, days: dict[str, date]) -> str:
    """A table of the days as of which something holds, by partition."""
    lines = [f"('{label}', DATE '{day}')" for label, day in days.items()]
    return f"{name}(label, last_day) AS (\n  VALUES\n    " + ",\n    ".join(lines) + "\n)"
