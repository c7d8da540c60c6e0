"""Ownership of targets: who may write where, and what is refused before anything is written."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest

from dashpipe.compile import compile_subject
from dashpipe.run import owner, places, state
from dashpipe.run.errors import Refused
from dashpipe.spec.model import Grain, Source, Subject, Target
from tests.run.world import ORDERS, SUBJECT, World

Document = dict[str, Any]

WIDE = replace(SUBJECT, grains=(Grain.DAY, Grain.MONTH))


def claim(world: World, subject: Subject) -> None:
    """Claim the targets of a subject, as its first extract does."""
    plan = compile_subject(subject)
    run = world.run(subject, {Grain.DAY: ("2024-03-01",)}, run_id=f"dag/{subject.name}")
    with world.step(run, "extract") as session:
        owner.claim(session, plan, places.find(plan, world.setup))


def owned(world: World) -> dict[str, Any]:
    """Which subject and grain own which collection."""
    found = world.target[state.TARGETS].find({"kind": "collection"})
    return {one["collection"]: (one["subject"], one["version"], one["grain"]) for one in found}


def other(**keys: Any) -> Subject:
    """Another subject, with a target of its own."""
    return replace(SUBJECT, name="other", **{"target": Target(collection="other"), **keys})


def test_a_subject_owns_a_collection_a_grain(world: World) -> None:
    """The first claim stores subject, version and grain; claiming again changes nothing."""
    claim(world, WIDE)
    claim(world, WIDE)
    assert owned(world) == {
        "daily": (SUBJECT.id, 1, "day"),
        "daily_month": (SUBJECT.id, 1, "month"),
    }
    turns = world.target[state.TARGETS].find_one({"_id": "claims"})
    assert turns is not None
    assert turns["turn"] == 1
    assert [event for event, _ in world.logged].count("owner") == 1


@pytest.mark.parametrize(
    ("rival", "said"),
    [
        (other(target=Target(collection="daily")), "daily is the target of shop_dash_daily_v1 (grain day)"),
        (
            other(target=Target(collection="daily_month")),
            "daily_month is the target of shop_dash_daily_v1 (grain month)",
        ),
        (replace(SUBJECT, version=2, target=Target(collection="orders")), None),
    ],
)
def test_two_subjects_with_one_target_are_refused(world: World, rival: Subject, said: str | None) -> None:
    """A collection of another subject's grain is refused with the cure; a later version has own names."""
    claim(world, WIDE)
    before = owned(world)
    if said is None:
        claim(world, rival)
        assert owned(world)["orders_v2"] == ("shop_dash_daily_v2", 2, "day")
        return
    with pytest.raises(Refused) as refusal:
        claim(world, rival)
    assert said in refusal.value.message
    assert "give shop_dash_other_v1 another `target.collection`" in refusal.value.help
    assert owned(world) == before
    assert world.target[state.TARGETS].find_one({"_id": "sources:shop_dash_other_v1"}) is None


def _in_target(name: str) -> Source:
    """A source that lies in the target database."""
    return replace(ORDERS, collection=name, connection="target")


def test_a_target_that_is_its_own_source_is_refused(world: World) -> None:
    """The subject would read its own rows."""
    subject = replace(SUBJECT, sources=(_in_target("daily"),))
    with pytest.raises(Refused, match="the target daily is the source orders of the same subject"):
        claim(world, subject)
    assert owned(world) == {}


def test_a_target_that_another_subject_reads_is_refused(world: World) -> None:
    """Whoever comes second is refused: as a writer of what is read, and as a reader of what is written."""
    claim(world, replace(SUBJECT, sources=(_in_target("other"),)))
    with pytest.raises(Refused, match="the target other is a source of shop_dash_daily_v1"):
        claim(world, other())
    assert "other" not in owned(world)


def test_a_source_that_another_subject_writes_is_refused(world: World) -> None:
    """Reading rows while a run replaces them would mix two truths."""
    claim(world, other())
    with pytest.raises(Refused, match="the source collection other is the target of shop_dash_other_v1"):
        claim(world, replace(SUBJECT, sources=(_in_target("other"),)))
    assert "daily" not in owned(world)


def test_a_name_alone_is_no_conflict(world: World, apart: World) -> None:
    """A source of the target's name in another database, or on another cluster, is another collection."""
    for one in (world, apart):
        claim(one, replace(SUBJECT, target=Target(collection="orders")))
        assert owned(one) == {"orders": (SUBJECT.id, 1, "day")}


def test_a_target_with_foreign_documents_is_refused(world: World) -> None:
    """Documents that no run wrote are neither mixed with rows nor touched."""
    world.target["daily"].insert_many([{"_id": "2024-03-01|DE", "_meta": {"run_id": "x"}}, {"_id": "theirs"}])
    with pytest.raises(
        Refused, match="daily holds documents that are not ours, such as the one with _id 'theirs'"
    ):
        claim(world, SUBJECT)
    assert owned(world) == {}
    world.target["daily"].delete_one({"_id": "theirs"})
    claim(world, SUBJECT)
    assert list(owned(world)) == ["daily"]


@pytest.mark.parametrize("name", ["dashpipe_runs", "dashpipe_anything"])
def test_our_own_names_are_no_targets(world: World, name: str) -> None:
    """A target cannot be called like dashpipe's state."""
    with pytest.raises(Refused, match=f"{name}, has a name that belongs to dashpipe's own state"):
        claim(world, replace(SUBJECT, target=Target(collection=name)))
    assert owned(world) == {}


def test_of_two_that_claim_at_once_one_is_refused(world: World) -> None:
    """Eight subjects reach for one collection at the same moment: one has it, seven are told whose it is."""
    subjects = [replace(one, name=f"s{number}") for number, one in enumerate([other()] * 8)]
    refused: list[Refused] = []

    def reach(subject: Subject) -> None:
        try:
            claim(world, subject)
        except Refused as refusal:
            refused.append(refusal)

    threads = [threading.Thread(target=reach, args=(one,)) for one in subjects]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    (mine,) = owned(world).values()
    assert len(refused) == 7
    assert all(mine[0] in one.message for one in refused)


def test_a_reader_and_a_writer_that_claim_at_once_do_not_both_pass(world: World) -> None:
    """One claims the collection as a target, the other as a source: never both."""
    for number in range(4):
        name = f"c{number}"
        writer = replace(other(target=Target(collection=name)), name=f"w{number}")
        reader = replace(
            SUBJECT, name=f"r{number}", sources=(_in_target(name),), target=Target(collection=f"t{number}")
        )
        refused: list[Refused] = []

        def reach(subject: Subject, refused: list[Refused] = refused) -> None:
            try:
                claim(world, subject)
            except Refused as refusal:
                refused.append(refusal)

        threads = [threading.Thread(target=reach, args=(one,)) for one in (writer, reader)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert len(refused) == 1
