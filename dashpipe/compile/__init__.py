"""From a resolved subject to MongoDB stages: logical plan, passes, emission. Pure: no database, no clock.

The manifest is here too, and Airflow's processor reads it at every parse: so the compiler itself is imported
when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dashpipe.compile.errors import CompileError
    from dashpipe.compile.passes import PASSES
    from dashpipe.compile.plan import Plan
    from dashpipe.spec.model import Subject

__all__ = ["PASSES", "CompileError", "Plan", "compile_subject"]

_HOMES = {"PASSES": "passes", "CompileError": "errors", "Plan": "plan"}


def compile_subject(subject: Subject, off: Iterable[str] = ()) -> Plan:
    """The optimised plan of a resolved subject.

    Args:
        subject: The subject, as ``dashpipe.spec`` resolved it.
        off: Names of passes to leave out (``PASSES``); the rows are the same without them.

    Raises:
        CompileError: The spec does not hold together; lint says so with the place.
    """
    from dashpipe.compile.logical import build
    from dashpipe.compile.passes import optimise

    return optimise(build(subject), off)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
