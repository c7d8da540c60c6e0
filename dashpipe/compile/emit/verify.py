"""The last look at stages before they run: what the emission rules promise, checked on the stages."""

from __future__ import annotations

from typing import Any

from dashpipe.compile.emit.stages import Stages

#: Operators that the compiler never emits, at any depth.
FORBIDDEN = frozenset({"$facet", "$where", "$function", "$accumulator", "$currentOp", "$listSessions"})


def verify(stages: Stages) -> None:
    """Check stages against the emission rules.

    Raises:
        AssertionError: A rule is broken; that is a defect of the compiler.
    """
    if not stages or "$match" not in stages[0]:
        raise AssertionError("the first stage is no literal filter")
    for name in _operators(stages):
        if name in FORBIDDEN:
            raise AssertionError(f"{name} is never emitted")
    if "$$ROOT" in _texts(stages):
        raise AssertionError("whole documents are never carried along")


def _operators(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {name for name in value if name.startswith("$") and name != "$literal"}
        return own.union(*(_operators(one) for name, one in value.items() if name != "$literal"))
    if isinstance(value, list):
        return set().union(*(_operators(one) for one in value))
    return set()


def _texts(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set().union(*(_texts(one) for name, one in value.items() if name != "$literal"))
    if isinstance(value, list):
        return set().union(*(_texts(one) for one in value))
    return {value} if isinstance(value, str) else set()
