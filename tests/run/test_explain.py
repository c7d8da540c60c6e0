"""What servers say of scans: an index or none, beside what the spec advises."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pymongo.errors import OperationFailure

from dashpipe import embedded
from dashpipe.compile import compile_subject
from dashpipe.embedded.errors import EmbeddedError
from dashpipe.run import explain
from dashpipe.spec.model import Grain, Subject
from tests.run import world as worlds
from tests.run.world import SUBJECT, World, at

LABELS = {Grain.DAY: ("2024-03-31",)}


@contextmanager
def orders(build: str) -> Iterator[World]:
    """A world with a hundred hours of orders, on a build of the embedded server."""
    try:
        embedded.find_build(build)
    except EmbeddedError:
        pytest.skip(f"{build} is not installed here")
    with embedded.start(build=build) as server:
        made = worlds.make(server.uri, "explained")
        hours = [at("2024-03-30", 0) + timedelta(hours=one) for one in range(100)]
        made.fill([{"_id": n, "at": one, "country": "DE", "n": 1} for n, one in enumerate(hours)])
        yield made
        worlds.drop(made)


@pytest.fixture(params=[embedded.PYTHON, embedded.NATIVE])
def here(request):
    """Such a world on each build that is here."""
    with orders(request.param) as made:
        yield made


def asked(world: World, subject: Subject = SUBJECT) -> list[explain.Explained]:
    """What the server says of a subject's scans of a day."""
    return list(explain.explained(compile_subject(subject), world.setup, LABELS))


def test_a_scan_without_an_index(here):
    """All of the collection is read, and the index to make is said."""
    (one,) = asked(here)
    assert (one.access, one.index, one.returned, one.examined) == ("COLLSCAN", "", 24, 100)
    assert one.said == "no index: all of it is read: 100 documents read for 24 that pass"
    assert one.help == "db.orders.createIndex({at: 1})"


def test_a_scan_with_an_index(here):
    """The index is named, and the documents of the day alone are read."""
    here.source["orders"].create_index("at")
    (one,) = asked(here)
    assert (one.access, one.index, one.returned, one.examined) == ("IXSCAN", "at_1", 24, 24)
    assert (one.said, one.help) == ("IXSCAN by at_1: 24 documents read for 24 that pass", "")


def test_an_index_that_serves_less_than_the_one_advised(here):
    """Where a filter stands before the time in the advice, an index on the time alone is not the best."""
    source = replace(SUBJECT.sources[0], where="country = 'DE'")
    here.source["orders"].create_index("at")
    (one,) = asked(here, replace(SUBJECT, sources=(source,)))
    assert (one.index, one.help) == ("at_1", "db.orders.createIndex({country: 1, at: 1})")


class Refusing:
    """A database whose server refuses some verbosities of explain."""

    def __init__(self, database: Any, *refused: str) -> None:
        self.database, self.refused = database, refused

    def command(self, name: str, query: Any, *, verbosity: str) -> Any:
        if verbosity in self.refused:
            raise OperationFailure("no such command: explain", 59, {"errmsg": "no such command: explain"})
        return self.database.command(name, query, verbosity=verbosity)


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        (("executionStats",), "no index: all of it is read"),
        (("executionStats", "queryPlanner"), "the server does not explain: no such command: explain"),
    ],
)
def test_a_server_that_lacks_explain_is_named(world, refused, said):
    """Where it gives no numbers the plan alone is told; where it explains nothing, that is said."""
    world.fill([{"_id": 1, "at": at("2024-03-31")}])
    plan = compile_subject(SUBJECT)
    filters = [{"$match": {"at": {"$gte": at("2024-03-31"), "$lt": at("2024-04-01")}}}]
    database = Refusing(world.source, *refused)
    one = explain._one(plan, "orders", Grain.DAY, database, "orders", filters)
    assert one.said == said
    assert one.examined is None


STAGE = {"stage": "IXSCAN", "indexName": "at_1", "keyPattern": {"at": 1}}


@pytest.mark.parametrize(
    ("planner", "access"),
    [
        ({"winningPlan": {"stage": "FETCH", "inputStage": STAGE}}, "IXSCAN"),
        (
            {"winningPlan": {"queryPlan": {"stage": "FETCH", "inputStage": STAGE}, "slotBasedPlan": {}}},
            "IXSCAN",
        ),
        (
            {
                "winningPlan": {
                    "stage": "SHARD_MERGE",
                    "shards": [{"winningPlan": STAGE}, {"winningPlan": {"stage": "COLLSCAN"}}],
                }
            },
            "COLLSCAN",
        ),
        ({"winningPlan": STAGE, "rejectedPlans": [{"stage": "COLLSCAN"}]}, "IXSCAN"),
        ({"winningPlan": {"stage": "EOF"}}, "EOF"),
        ({"winningPlan": {}}, ""),
    ],
)
def test_plans_of_every_form_are_read(planner, access):
    """Classic and slot-based plans, those of shards (the worst counts); rejected plans do not."""
    assert explain._access({"queryPlanner": planner})[0] == access


def test_the_numbers_of_shards_are_added():
    """Of a sharded collection each shard counts; where one does not, no number is told."""
    each = {"executionStats": {"nReturned": 2, "totalDocsExamined": 3}}
    assert explain._counted({"shards": {"one": each, "other": each}}) == (4, 6)
    assert explain._counted({"shards": {"one": each, "other": {}}}) == (None, None)
