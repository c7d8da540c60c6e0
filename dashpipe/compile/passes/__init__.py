"""The passes: pure functions from plan to plan, each of which may be switched off without changing a row."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from dashpipe.compile.passes import fuse, push, rollup, running, share
from dashpipe.compile.plan import Note, Plan

Pass = Callable[[Plan], "tuple[Plan, Note]"]

#: Every pass by name, in the order in which they run.
PASSES: dict[str, Pass] = {
    "share": share.run,
    "fuse": fuse.run,
    "push": push.run,
    "rollup": rollup.run,
    "running": running.run,
}


def optimise(plan: Plan, off: Iterable[str] = ()) -> Plan:
    """Run the passes over a plan, except those named in ``off``; the notes say what each did.

    Raises:
        ValueError: ``off`` names no pass.
    """
    unknown = sorted(set(off) - set(PASSES))
    if unknown:
        raise ValueError(f"there is no pass {unknown[0]}; there are {', '.join(PASSES)}")
    notes: list[Note] = []
    for name, step in PASSES.items():
        if name in off:
            notes.append(Note(name, False, "switched off"))
            continue
        plan, note = step(plan)
        notes.append(note)
    return replace(plan, notes=tuple(notes))
