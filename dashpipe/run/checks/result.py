"""The result of one check on one partition: its level, and what an analyst reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dashpipe.spec.model import Bounds, Check, Grain

PASS, WARN, FAIL, SKIPPED = "pass", "warn", "fail", "skipped"

#: The statuses, the worst first.
STATUSES = (FAIL, WARN, PASS, SKIPPED)


@dataclass(frozen=True, slots=True)
class Result:
    """What a check found.

    Attributes:
        check: The check.
        grain: The grain of its rows; ``None`` for a check of a source.
        partition: The label of the partition; ``None`` for a check of a source.
        status: ``pass``, ``warn``, ``fail`` or ``skipped``.
        value: What was measured; ``None`` where there was nothing to measure.
        message: A sentence that says what was found, and what was expected.
    """

    check: Check
    grain: Grain | None
    partition: str | None
    status: str
    value: Any
    message: str


def level(check: Check, is_out: Callable[[Bounds], bool]) -> tuple[str, Bounds | None]:
    """The status of a check, and the bounds that decided it: those that were broken, else the strictest."""
    for status, bounds in ((FAIL, check.fail), (WARN, check.warn)):
        if bounds is not None and is_out(bounds):
            return status, bounds
    return PASS, check.warn or check.fail


def is_outside(value: float, bounds: Bounds) -> bool:
    """Whether a value is below or above its bounds; a bound itself is still good."""
    below = bounds.below is not None and value < bounds.below
    return below or (bounds.above is not None and value > bounds.above)


def limits(bounds: Bounds | None, say: Callable[[float], str]) -> str:
    """Bounds in words: ``at least 1``, ``0 to 1``."""
    if bounds is None:
        return "anything"
    if bounds.below is not None and bounds.above is not None:
        return f"{say(bounds.below)} to {say(bounds.above)}"
    if bounds.below is not None:
        return f"at least {say(bounds.below)}"
    return f"at most {say(bounds.above)}" if bounds.above is not None else "anything"


def number(value: Any) -> str:
    """A number as people write it."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def percent(share: float) -> str:
    """A share as people write it: ``5 %``."""
    return f"{share * 100:.3g} %"
