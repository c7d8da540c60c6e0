"""Servers without `$unionWith`: the same rows, by copies of both sides in staging."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dashpipe.compile.lowering import COSTS, UNION_WITH
from dashpipe.compile.lowering.unions import taken_apart, turned
from dashpipe.run import probe, state
from dashpipe.run.transform import running
from dashpipe.spec.model import Fill, Grain, Metric, Period
from tests.run.test_running import FIRST, SUBJECT, begun, go, order
from tests.run.watch import watching
from tests.run.world import ORDERS, World, count, total

Document = dict[str, Any]

#: Roll-ups, running totals, carried balances, windows, averages of days, kept values and rows that are added.
ALL = replace(
    SUBJECT,
    sources=(replace(ORDERS, incremental=True),),
    metrics=(
        count("orders", fill=Fill(0, Period(3, "day"))),
        total("items", "n"),
        total("paid", "price"),
        Metric("kinds", "count_distinct", source="orders", expr="n"),
        Metric("orders_ever", "cumulative", metric="orders"),
        Metric("paid_ever", "cumulative", metric="paid"),
        Metric("week", "cumulative", metric="items", window=Period(7, "day")),
        Metric("mean", "cumulative", metric="items", period_agg="average"),
        Metric("held", "last", "orders", expr="n", per=("n",), carry="always", grains=(Grain.DAY,)),
    ),
)


def history(world: World) -> list[Document]:
    """Forty days, a run each day, a late order of an old day, a key that vanishes; the receipts."""
    newest = begun(world, 40, ALL)
    done = []
    for more in range(1, 4):
        day = newest + timedelta(days=more)
        world.source["orders"].insert_many([order(1000 + 10 * more + n, day) for n in range(more)])
        done.append(go(world, ALL, day))
    last = newest + timedelta(days=3)
    world.source["orders"].insert_one(order(5000, FIRST + timedelta(days=20), "GB"))
    world.source["orders"].delete_many({"_id": {"$in": [1030, 1031]}})
    done.append(go(world, ALL, last, FIRST + timedelta(days=20)))
    done.append(go(world, ALL, last + timedelta(days=1)))
    return done


def published(world: World) -> dict[str, list[Document]]:
    """All rows, and what is kept beside them, without when and by which run each was written."""
    found = {}
    for name in ("daily", "daily_month", "daily__values"):
        rows = world.target[name].find({}, {"_meta": 0, "created_at": 0, "updated_at": 0}).sort("_id", 1)
        found[name] = list(rows)
    return found


@contextmanager
def lacking(world: World) -> Iterator[None]:
    """A target that is said to lack unions."""
    probe.capabilities(world.target)
    world.target[state.CAPABILITIES].update_many({}, {"$set": {f"has.{UNION_WITH}": False}})
    yield


def unions(commands: list[Document]) -> set[tuple[str, str]]:
    """The kinds of collections that are united."""

    def kind(name: str) -> str:
        staged = re.fullmatch(r"dashpipe_stage_.*__[0-9a-f]{8}_([a-z]+)_([a-z]+)_\d+", name)
        return f"{staged[1]} {staged[2]}" if staged else name

    return {
        (kind(one["aggregate"]), kind(stage["$unionWith"]["coll"]))
        for one in commands
        for stage in one.get("pipeline", ())
        if "probe" not in str(one.get("aggregate")) and "$unionWith" in stage
    }


@pytest.mark.slow  # long on the Python build; .ci/run has it on the native one
def test_rows_are_the_same_without_unions(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a run unites (new and stored states, values, keys, running totals), it does in a copy too."""
    monkeypatch.setitem(running.BEHIND, Grain.DAY, 1)
    with watching() as commands:
        history(world)
    assert unions(commands) == {
        ("daily", "parts day"),  # what windows reach back to, who hangs on it, and rows to add
        ("daily_month", "parts month"),
        ("daily", "rows day"),  # months of days; which rows vanished
        ("daily_month", "rows month"),
        ("daily__values", "values day"),
        ("daily", "daily__state"),  # what goes on from running totals, and their next generation
        ("daily__state", "newer day"),  # what is newer than the last values that are kept
        ("daily__state", "kept day"),  # the next generation of these
    }
    wanted = published(world)
    world.target.client.drop_database(world.target.name)
    with lacking(world), watching() as commands:
        done = history(world)
    assert unions(commands) == set()
    assert published(world) == wanted
    assert {tuple(one["transform"]["weaker"]) for one in done} == {(f"no {UNION_WITH}: {COSTS[UNION_WITH]}",)}
    assert [one for one in world.target.list_collection_names() if "united" in one] == []


def test_what_is_united_keeps_its_ids_apart() -> None:
    """Two documents of one id are two, as a union has them; one without unions stays as it is."""
    assert taken_apart([{"$match": {}}, {"$group": {"_id": None}}]) is None
    one = taken_apart([{"$match": {"a": 1}}, {"$unionWith": {"coll": "b", "pipeline": []}}, {"$limit": 1}])
    assert one is not None
    wrapped = {"$project": {"_id": 0, "d": "$$ROOT"}}
    assert one.branches == ((None, [{"$match": {"a": 1}}, wrapped]), ("b", [wrapped]))
    assert one.rest == [{"$replaceWith": "$d"}, {"$limit": 1}]


def test_a_union_of_a_union_is_noticed() -> None:
    """No stage of dashpipe makes one; a change that does must say how it is done without."""
    union = {"$unionWith": {"coll": "b", "pipeline": []}}
    with pytest.raises(AssertionError, match="a union of what was made of a union"):
        taken_apart([union, {"$limit": 1}, union])


def test_a_union_is_the_same_from_the_other_side() -> None:
    """Run on the other collection with its own added; nothing where none is."""
    union = {"$unionWith": {"coll": "b", "pipeline": [{"$match": {"p": 1}}]}}
    rest = [{"$group": {"_id": "$p"}}, {"$merge": {"into": {"db": "d", "coll": "c"}}}]
    other = turned([{"$match": {"q": 2}}, union, *rest], "a")
    added = {"$unionWith": {"coll": "a", "pipeline": [{"$match": {"q": 2}}]}}
    assert other == ("b", [{"$match": {"p": 1}}, added, *rest])
    assert turned([{"$match": {}}, {"$group": {"_id": None}}], "a") is None
