"""What the servers of a run lack that transform works around, and the run that does without."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from dashpipe.compile.lowering import COSTS, OF_SCANS, lowered_plan, needed
from dashpipe.run import probe, route
from dashpipe.run.base import Run, Session


def around(run: Run, session: Session, routes: Mapping[str, str]) -> tuple[Run, list[str]]:
    """The run as its servers can compute it, and what is done instead of what, a sentence each.

    Args:
        run: The run.
        session: Its session.
        routes: The route of each source.
    """
    has = probe.capabilities(session.target)
    lacking = {one for one in COSTS if not has[one]}
    for source, way in routes.items():
        if way == route.CURSOR:
            reader = route.reader(run, session, source, route.CURSOR)
            lacking |= {one for one in OF_SCANS if not probe.readable(reader, one)}
    used = frozenset(lacking)
    said = [f"no {one}: {COSTS[one]}" for one in sorted(used & needed(run.plan))]
    return replace(run, plan=lowered_plan(run.plan, used), lacking=used), said
