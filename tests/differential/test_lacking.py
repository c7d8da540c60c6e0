"""Servers that lack something: with each capability masked on its own, runs publish the same rows.

That a masked operator is not used is seen on the commands that the driver sends.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo import monitoring
from pymongo.client_session import ClientSession
from pymongo.errors import OperationFailure

from dashpipe.compile.capabilities import PROBES
from dashpipe.compile.lowering import COSTS
from dashpipe.run import probe, state
from dashpipe.run.transform import running
from dashpipe.spec.model import Grain, Metric
from tests.differential import runs, test_conversion, test_conversion_reach, test_retention
from tests.differential.compare import differences
from tests.differential.subjects import VALUES, Case, cases
from tests.differential.test_runs import expected, harmless
from tests.run.world import World

pytestmark = pytest.mark.differential

FEW = max(3, settings().max_examples // 8)

#: What each capability is about, as commands show it.
SIGNS = {
    "percentile": "$percentile",
    "window_fields": "$setWindowFields",
    "union_with": "$unionWith",
    "guarded_merge": "whenMatched_pipeline",
    "transactions": "startTransaction",
}


class Watch(monitoring.CommandListener):
    """The signs seen in the commands of the clients that are made while it is registered."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self._look(event.command)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass

    def _look(self, value: Any) -> None:
        if isinstance(value, dict):
            self.seen |= value.keys() & set(SIGNS.values())
            if isinstance(value.get("whenMatched"), list):
                self.seen.add(SIGNS["guarded_merge"])
            for one in value.values():
                self._look(one)
        elif isinstance(value, list):
            for one in value:
                self._look(one)


WATCH = Watch()
monitoring.register(WATCH)


@pytest.fixture(scope="module")
def worlds(mongo_uri: str, second_uri: str) -> Iterator[dict[str, World]]:
    """A world for each route, shared by all cases: each leaves it empty."""
    with ExitStack() as stack:
        others = {"server": None, "cursor": second_uri}
        name = f"lacking_{os.getpid()}"
        yield {
            route: stack.enter_context(runs.opened(mongo_uri, f"{name}_{route}", other))
            for route, other in others.items()
        }


@contextmanager
def masked(world: World, name: str) -> Iterator[None]:
    """A world whose servers are said to lack one capability; no command may use it meanwhile."""
    readable, start = probe.readable, ClientSession.start_transaction
    probe.capabilities(world.target)
    world.target[state.CAPABILITIES].update_many({}, {"$set": {f"has.{name}": False}})
    probe.readable = lambda reader, one: one != name and readable(reader, one)
    if name == "transactions":
        ClientSession.start_transaction = refuse
    WATCH.seen.clear()
    try:
        yield
        assert SIGNS[name] not in WATCH.seen
    finally:
        probe.readable, ClientSession.start_transaction = readable, start
        world.target[state.CAPABILITIES].update_many({}, {"$set": {f"has.{name}": True}})


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row without what is no value of it."""
    return {name: one for name, one in row.items() if name == "_id" or name[0] != "_"}


def refuse(*_: Any, **__: Any) -> None:
    """Start no transaction, as a server without a replica set."""
    raise OperationFailure("Transaction numbers are only allowed on a replica set member or mongos", 20)


@st.composite
def ranked(draw: st.DrawFn) -> Case:
    """A case with a metric for everything that is masked: estimates, exact ranks, lists."""
    case = draw(cases(grains=(Grain.DAY, Grain.MONTH), most=40))
    source = case.subject.sources[0].name
    numeric = st.sampled_from(VALUES["integer"] + VALUES["number"])
    # An estimate of whole numbers is a double too, where an oracle's rank is a whole number.
    double = draw(st.sampled_from(VALUES["number"]))
    estimate = Metric("estimate", "percentile", source, expr=double, p="0.9", approximate=True)
    rank = Metric("rank", "percentile", source, expr=draw(numeric), p="0.25")
    middle = Metric("middle", "median", source, expr=draw(numeric), where="ok")
    most = Metric("most", "top", source, expr="status", k=2, by=draw(st.sampled_from([None, "n"])))
    subject = harmless(case.subject)
    return replace(case, subject=replace(subject, metrics=(*subject.metrics, estimate, rank, middle, most)))


@settings(max_examples=FEW)
@given(case=ranked(), route=st.sampled_from(["server", "cursor"]), name=st.sampled_from(sorted(SIGNS)))
def test_rows_are_the_same_without_a_capability(
    worlds: dict[str, World], case: Case, route: str, name: str
) -> None:
    """Each lowering gives the oracle's rows; an estimate that cannot be had is the exact value."""
    world = worlds[route]
    exact = replace(
        case.subject, metrics=tuple(replace(one, approximate=False) for one in case.subject.metrics)
    )
    with runs.loaded(world, case.documents):
        with masked(world, name):
            receipt = runs.run(world, case)
        weaker = [
            one.partition(":")[0] for step in receipt["steps"].values() for one in step.get("weaker", ())
        ]
        assert weaker == [f"no {name}"]
        for grain in case.subject.grains:
            wanted = expected(case, exact, grain, case.days).rows
            found = runs.published(world, case.subject, grain)
            if name != "percentile":  # then it is an estimate, of which an oracle knows nothing
                for row in (*wanted.values(), *found):
                    del row["estimate"]
            said = differences(wanted, found)
            assert not said, (grain, said[:6])


begun = test_retention.histories().map(lambda one: one[0]).filter(lambda one: runs.has_begun(one, one.days))


@settings(max_examples=FEW)
@given(
    case=st.one_of(test_conversion.cases(), test_conversion_reach.cases(), begun),
    route=st.sampled_from(["server", "cursor"]),
)
def test_events_are_followed_without_windows(worlds: dict[str, World], case: Case, route: str) -> None:
    """Conversions and cohorts that are followed in arrays are those that are followed in windows."""
    world, grains = worlds[route], case.subject.grains
    with runs.loaded(world, case.documents):
        runs.run(world, case)
        wanted = {
            grain: {one["_id"]: plain(one) for one in runs.published(world, case.subject, grain)}
            for grain in grains
        }
    with runs.loaded(world, case.documents):
        with masked(world, "window_fields"):
            runs.run(world, case)
        for grain in grains:
            said = differences(wanted[grain], runs.published(world, case.subject, grain))
            assert not said, (grain, said[:6])


def test_each_capability_that_can_be_missed_is_masked_here() -> None:
    """What a server may lack at a cost is masked above; without the others dashpipe does not work."""
    may_lack = {one.name for one in PROBES if one.cost} | set(probe.WRITES)
    assert may_lack == set(SIGNS)
    assert set(COSTS) <= may_lack


@pytest.mark.parametrize("route", ["server", "cursor"])
def test_cohorts_go_on_without_unions(worlds: dict[str, World], route: str) -> None:
    """What is kept of entities is joined with what is newer in a copy, and made anew from one."""
    world, case = worlds[route], test_retention.daily()
    with runs.loaded(world, case.documents), patch.dict(running.BEHIND, {Grain.DAY: 1}):
        gens = set()
        with masked(world, "union_with"):
            for one in (case, test_retention.after(case, 0), test_retention.after(case, 1)):
                runs.run(world, one)
                test_retention.check(world, one)
                gens.update(test_retention.gens_of(world))
        assert len(gens) == 2
        test_retention.check_first_days(world, case)
