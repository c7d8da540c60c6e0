"""From a resolved subject to MongoDB stages: logical plan, passes, emission. Pure: no database, no clock."""

from __future__ import annotations

from collections.abc import Iterable

from dashpipe.compile.errors import CompileError
from dashpipe.compile.logical import build
from dashpipe.compile.passes import PASSES, optimise
from dashpipe.compile.plan import Plan
from dashpipe.spec.model import Subject

__all__ = ["PASSES", "CompileError", "Plan", "compile_subject"]


def compile_subject(subject: Subject, off: Iterable[str] = ()) -> Plan:
    """The optimised plan of a resolved subject.

    Args:
        subject: The subject, as ``dashpipe.spec`` resolved it.
        off: Names of passes to leave out (``PASSES``); the rows are the same without them.

    Raises:
        CompileError: The spec does not hold together; lint says so with the place.
    """
    return optimise(build(subject), off)
