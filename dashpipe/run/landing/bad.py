"""Rows that cannot be landed: told one by one, counted, and limited by a share, whatever brings them."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from dashpipe.run.errors import RunError
from dashpipe.run.log import Log

#: So many bad rows are told one by one, with where they stand and why; never with their values.
TOLD = 10


class BadRows:
    """The bad rows of a file, or of a reading of an endpoint.

    Attributes:
        count: How many there are.
        told: The first of them: where each stands, and why it cannot be landed.
    """

    def __init__(self, log: Log, source: str, count: int = 0, told: Sequence[str] = ()) -> None:
        self._log, self._source = log, source
        self.count, self.told = count, list(told)

    def add(self, where: str, why: str) -> None:
        """Count a row, and tell it if it is one of the first."""
        self.count += 1
        if len(self.told) < TOLD:
            self.told.append(f"{where}: {why}")
            self._log("bad row", level=logging.WARNING, source=self._source, text=self.told[-1])

    def exceed(self, rows: int, share: float) -> bool:
        """Whether more than a share of the rows are bad."""
        return self.count > rows * share

    def refusal(self, rows: int, share: float, left: str) -> RunError:
        """The error of a run with too many of them; ``left`` says what is landed nevertheless."""
        return RunError(
            f"{self.count} of {rows} rows cannot be read, which is more than {share * 100:g} %; "
            f"{self.told[0]}",
            f"{left}: mend it, or raise `max_bad`",
        )


def warned(source: str, landed: dict[str, object]) -> list[str]:
    """A warning where rows were left out, by what landing says of itself for the receipt."""
    if not landed.get("bad"):
        return []
    told = landed["bad_rows"]
    assert isinstance(told, list)
    if landed["bad"] == 1:
        return [f"1 row of {source} cannot be read and counts nowhere: {told[0]}"]
    return [f"{landed['bad']} rows of {source} cannot be read and count nowhere; the first: {told[0]}"]
