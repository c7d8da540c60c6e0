"""Features in company, in whole runs: what none of them gets wrong by itself is right together too."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from math import isclose
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashpipe.run import log, run_all, state
from dashpipe.run.base import Request
from dashpipe.spec.model import Grain
from tests.differential import runs, times
from tests.differential.company import Document, Walk
from tests.differential.mixing import Held, History, histories
from tests.differential.subjects import Case
from tests.differential.test_lacking import SIGNS, masked
from tests.run.world import World

pytestmark = pytest.mark.differential

#: Each is some ten runs.
FEW = max(2, settings().max_examples // 50)


@pytest.fixture(scope="module")
def worlds(mongo_uri: str, second_uri: str) -> Iterator[dict[str, World]]:
    """A world for each route, shared by all cases: each leaves it empty."""
    with ExitStack() as stack:
        others = {"server": None, "cursor": second_uri}
        name = f"together_{os.getpid()}"
        yield {
            route: stack.enter_context(runs.opened(mongo_uri, f"{name}_{route}", other))
            for route, other in others.items()
        }


@contextmanager
def loaded(world: World, documents: Held) -> Iterator[None]:
    """Documents in both databases, since some sources are read from the target's."""
    with runs.loaded(world, documents):
        fill(world, documents)
        yield


def fill(world: World, documents: Held) -> None:
    """Put documents into both databases, in place of those there."""
    runs.fill(world, documents)
    runs.fill(replace(world, source=world.target), documents)


def alike(mine: Any, theirs: Any) -> bool:
    """Whether a stored value is the true one, as far as doubles go."""
    if isinstance(theirs, list):
        return isinstance(mine, list) and len(mine) == len(theirs) and all(map(alike, mine, theirs))
    if isinstance(theirs, dict):
        return all(alike(mine[name], value) for name, value in theirs.items())
    if isinstance(theirs, (int, float, Fraction)):
        number = isinstance(mine, (int, float)) and not isinstance(mine, bool)
        return number and isclose(mine, theirs, rel_tol=1e-9, abs_tol=1e-9)
    return bool(mine == theirs)


def check(world: World, case: Case, documents: Held, *, ledger: bool = False) -> None:
    """The published rows are those of the case's days; ``ledger``: of all that was ever published."""
    truth = Walk(case, documents)
    days = [case.days[0] + timedelta(days=at) for at in range((case.days[1] - case.days[0]).days)]
    for grain in case.subject.grains:
        if ledger:
            wanted = {"subject": case.subject.id, "grain": grain.value}
            labels = world.target[state.PARTITIONS].distinct("label", wanted)
            days = sorted({date.fromisoformat(one[:10]) for one in labels})
        expected = truth.rows(grain, days)
        if ledger and grain is Grain.HOUR:
            expected = {at: row for at, row in expected.items() if f"{at[0]}T{at[1]}" in labels}
        found = runs.published(world, case.subject, grain)
        rows = {(*_label(one), *(one[name] for name in truth.names)): one for one in found}
        assert len(rows) == len(found)
        assert rows.keys() == expected.keys(), grain
        for at, row in rows.items():
            assert row.get("filled", False) is ("filled" in expected[at]), (grain, at)
            if "continent" in row:
                assert row["continent"] == ("Europe" if row["country"] == "GB" else None), (grain, at)
            for name, value in expected[at].items():
                assert alike(row[name], value), (grain, at, name, row[name], value)


def _label(row: Document) -> tuple[date, str | None]:
    return date.fromisoformat(row["partition_date"]), row.get("partition_hour")


def touched(history: History) -> set[date]:
    """The days whose documents came or went."""
    case, zone = history.case, ZoneInfo(history.case.subject.timezone)
    found = set()
    for source in case.subject.sources:
        now, then = (
            {one["_id"]: one for one in some[source.name]} for some in (case.documents, history.before)
        )
        for number in now.keys() ^ then.keys():
            at = times.instant((now.get(number) or then[number])["at"], source.time.kind)
            assert at is not None
            found.add(at.astimezone(zone).date())
    return found


@settings(max_examples=FEW)
@given(
    history=histories(),
    route=st.sampled_from(["server", "server", "cursor"]),
    lacks=st.sampled_from([None, None, None, None, *sorted(SIGNS.keys() - {"percentile"})]),
)
def test_features_in_company_equal_a_walk(
    worlds: dict[str, World], history: History, route: str, lacks: str | None
) -> None:
    """In any pieces, with late and removed documents, also found by `updated`; and by another spec then."""
    case, world = history.case, worlds[route]
    pieces = [one for one in history.pieces if runs.has_begun(case, one)]
    with loaded(world, history.before), masked(world, lacks) if lacks else nullcontext():
        for piece in pieces:
            runs.run(world, case, days=piece)
        check(world, case, history.before)
        fill(world, case.documents)
        if history.updated:
            later = replace(case, as_of=case.as_of + timedelta(hours=1))
            setup = replace(world.setup, log=log.silent)
            run_all(Request(case.subject, "dag/next", now=later.as_of, allow_removal=True), setup, tries=1)
            check(world, later, case.documents, ledger=True)
            return
        days = touched(history)
        for piece in pieces:
            if any(piece[0] <= one < piece[1] for one in days):
                runs.run(world, case, days=piece)
        check(world, case, case.documents)
        for piece in pieces:
            runs.run(world, case, history.after, piece)
        check(world, replace(case, subject=history.after), case.documents)
