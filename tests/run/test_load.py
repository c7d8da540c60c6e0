"""Load: the target gets exactly the staged rows, once, guarded by the fence, and loses what vanished."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
from bson import Decimal128, Int64

from dashpipe.run import lease, probe, state
from dashpipe.run.base import Request, Session
from dashpipe.run.errors import LeaseLost, Refused, RunError
from dashpipe.run.load import write
from dashpipe.run.steps.load import load
from dashpipe.spec.model import Grain, Metric, Query, Target
from tests.run.test_transform import BOTH, DAY, DOCUMENTS, GRAINS
from tests.run.world import SUBJECT, World, at, count, total

Document = dict[str, Any]
NAMES = ("inserted", "changed", "same", "removed")


def counts(receipt: Document, grain: str = "day") -> tuple[int, ...]:
    """The four counts of a grain."""
    return tuple(receipt["counts"][grain][name] for name in NAMES)


def content(rows: list[Document]) -> list[Document]:
    """Rows without what tells when and by whom they were written."""
    return [
        {name: one[name] for name in one if name not in ("created_at", "updated_at", "_meta")} for one in rows
    ]


def times(rows: list[Document]) -> dict[str, tuple[Any, Any]]:
    """created_at and updated_at of each row."""
    return {one["_id"]: (one["created_at"], one["updated_at"]) for one in rows}


@pytest.fixture(params=["merge", "transactions"])
def writer(request: pytest.FixtureRequest, world: World) -> World:
    """A server with guarded merges, and one that is said to lack them."""
    if request.param == "transactions":
        lacking(world, "guarded_merge")
    return world


def lacking(world: World, *names: str) -> None:
    """Let the stored answers about the target's server say that it lacks something."""
    probe.capabilities(world.target)
    for name in names:
        world.target[state.CAPABILITIES].update_many({}, {"$set": {f"has.{name}": False}})


def test_a_first_load_inserts_everything_with_its_types(writer: World) -> None:
    """Every staged row arrives as it is, with stamps, run, spec and fence."""
    writer.fill(DOCUMENTS)
    run = writer.transform(writer.run(SUBJECT, DAY))
    staged = writer.staged(run)
    receipt = writer.load(run)
    rows = writer.rows()
    assert counts(receipt) == (3, 0, 0, 0)
    assert content(rows) == staged
    first = rows[0]
    assert [type(first[name]) for name in ("orders", "amount", "paid")] == [Int64, float, Decimal128]
    assert first["paid"] == Decimal128("3.3")
    assert first["created_at"] == first["updated_at"]
    fence = writer.target[state.TARGETS].find_one({"_id": SUBJECT.id})["fence"]  # type: ignore[index]
    assert first["_meta"] == {"run_id": "dag/1", "spec_hash": run.hash, "spec_version": 1, "fence": fence}


def test_loading_again_changes_nothing_but_meta(writer: World) -> None:
    """The same rows again: all same, stamps untouched, run id and fence moved on."""
    writer.fill(DOCUMENTS)
    writer.whole(writer.run(SUBJECT, DAY))
    before = writer.rows()
    receipt = writer.whole(writer.run(SUBJECT, DAY, run_id="dag/2"))
    after = writer.rows()
    assert counts(receipt) == (0, 0, 3, 0)
    assert (content(after), times(after)) == (content(before), times(before))
    assert {one["_meta"]["run_id"] for one in after} == {"dag/2"}
    assert after[0]["_meta"]["fence"] > before[0]["_meta"]["fence"]


def test_only_a_changed_row_moves_updated_at(writer: World) -> None:
    """One key changes, one is new, one vanishes, one stays."""
    writer.fill(DOCUMENTS)
    writer.whole(writer.run(SUBJECT, DAY))
    before = times(writer.rows())
    writer.source["orders"].delete_one({"country": "a|b\\c"})
    writer.source["orders"].insert_many(
        [{"at": at("2024-03-01"), "country": "DE", "n": 1}, {"at": at("2024-03-02"), "country": "FR", "n": 1}]
    )
    receipt = writer.whole(writer.run(SUBJECT, DAY, run_id="dag/2"))
    after = times(writer.rows())
    assert counts(receipt) == (1, 1, 1, 1)
    assert sorted(after) == ["2024-03-01|DE", "2024-03-01|\\N", "2024-03-02|FR"]
    assert after["2024-03-01|\\N"] == before["2024-03-01|\\N"]
    assert after["2024-03-01|DE"][0] == before["2024-03-01|DE"][0]
    assert after["2024-03-01|DE"][1] > before["2024-03-01|DE"][1]


@pytest.mark.parametrize(
    ("factor", "kept"), [(1 + 4e-13, True), (1 - 4e-13, True), (1 + 4e-12, False), (-1, False)]
)
def test_a_double_that_is_nearly_the_stored_one_is_kept(writer: World, factor: float, kept: bool) -> None:
    """Within 1e-12 a double is the same number summed in another order: row and state keep the stored one."""
    writer.fill([{"at": at("2024-03-01"), "country": "DE", "x": 1234.5}])
    writer.whole(writer.run(SUBJECT, DAY))
    (before,) = writer.rows()
    writer.fill([{"at": at("2024-03-01"), "country": "DE", "x": 1234.5 * factor}])
    receipt = writer.whole(writer.run(SUBJECT, DAY, run_id="dag/2"))
    (after,) = writer.rows()
    assert counts(receipt) == ((0, 0, 1, 0) if kept else (0, 1, 0, 0))
    assert after["amount"] == (1234.5 if kept else 1234.5 * factor)
    assert (after["_state"] == before["_state"]) is kept
    assert (after["updated_at"] == before["updated_at"]) is kept


EVERY = replace(
    SUBJECT,
    metrics=(
        count("orders"),
        Metric("spread", "stddev", source="orders", expr="x"),
        Metric("middle", "median", source="orders", expr="x"),
        Metric("newest", "last", source="orders", expr="price"),
        Metric("best", "top", source="orders", expr="n", k=2, by="price"),
        Metric("kinds", "count_distinct", source="orders", expr="n", cardinality_at_most=2),
        Metric("held", "count_distinct", source="orders", expr="n", having="orders >= 2"),
    ),
)


@pytest.mark.parametrize(("factor", "kept"), [(1 + 4e-13, True), (1 + 4e-9, False)])
def test_states_of_every_kind_are_compared(writer: World, factor: float, kept: bool) -> None:
    """Lists and states of several numbers are the same again, and their doubles as near as any double."""
    days = [
        {"_id": hour, "at": at("2024-03-01", hour), "country": "DE", "n": hour % 2, "x": hour / 7}
        for hour in range(5)
    ]
    for one in days:
        one["price"] = Decimal128("1")
    writer.fill(days)
    writer.whole(writer.run(EVERY, DAY))
    (before,) = writer.rows()
    assert before["best"] == [{"value": 0, "n": Decimal128("3")}, {"value": 1, "n": Decimal128("2")}]
    assert (before["kinds"], before["held"], before["newest"]) == (2, 2, Decimal128("1"))
    writer.fill([{**one, "x": one["x"] * factor} for one in days])
    receipt = writer.whole(writer.run(EVERY, DAY, run_id="dag/2"))
    (after,) = writer.rows()
    assert counts(receipt) == ((0, 0, 1, 0) if kept else (0, 1, 0, 0))
    assert (after["updated_at"] == before["updated_at"]) is kept
    assert (content([after]) == content([before])) is kept


def test_null_and_zero_and_infinity_are_not_nearly_equal(writer: World) -> None:
    """A value that becomes null, or stops being null or infinite, is a change."""
    subject = replace(SUBJECT, metrics=(Metric("low", "min", source="orders", expr="x"),))

    def loaded(values: list[Any], run_id: str) -> tuple[tuple[int, ...], Any]:
        writer.fill([{"at": at("2024-03-01"), "country": "DE", "x": one} for one in values])
        receipt = writer.whole(writer.run(subject, DAY, run_id=run_id))
        return counts(receipt), writer.rows()[0]["low"]

    assert loaded([5.0], "dag/1") == ((1, 0, 0, 0), 5.0)
    assert loaded([None], "dag/2") == ((0, 1, 0, 0), None)
    assert loaded([None], "dag/3") == ((0, 0, 1, 0), None)
    assert loaded([0.0], "dag/4") == ((0, 1, 0, 0), 0.0)
    assert loaded([0.0], "dag/5") == ((0, 0, 1, 0), 0.0)
    writer.target["daily"].update_one({}, {"$set": {"low": float("inf")}})
    assert loaded([7.0], "dag/6") == ((0, 1, 0, 0), 7.0)


def test_a_metric_added_or_gone_is_a_change_and_its_order_is_not(writer: World) -> None:
    """Rows of another spec: a new column changes every row, a dropped one leaves no field behind."""
    writer.fill(DOCUMENTS)
    small = replace(SUBJECT, metrics=(count("orders"), total("items", "n")))
    large = replace(SUBJECT, metrics=(total("amount", "x"), total("items", "n"), count("orders")))
    writer.whole(writer.run(small, DAY))
    assert counts(writer.whole(writer.run(large, DAY, run_id="dag/2"))) == (0, 3, 0, 0)
    turned = replace(large, metrics=large.metrics[::-1])
    assert counts(writer.whole(writer.run(turned, DAY, run_id="dag/3"))) == (0, 0, 3, 0)
    assert counts(writer.whole(writer.run(small, DAY, run_id="dag/4"))) == (0, 3, 0, 0)
    assert all("amount" not in one for one in writer.rows())


def test_several_sources_and_grains_load_whole(writer: World) -> None:
    """Every grain has its collection; states absent on one side stay absent, and a re-run is the same."""
    writer.fill(DOCUMENTS)
    writer.fill([{"seen": at("2024-03-01"), "land": "DE", "stars": 4.5}], "reviews")
    subject = replace(BOTH, grains=(Grain.DAY, Grain.MONTH))
    labels = {**DAY, Grain.MONTH: ("2024-03-01",)}
    first = writer.whole(writer.run(subject, labels))
    before = content(writer.rows("daily_month"))
    again = writer.whole(writer.run(subject, labels, run_id="dag/2"))
    assert [counts(first, one) for one in ("day", "month")] == [(3, 0, 0, 0), (3, 0, 0, 0)]
    assert [counts(again, one) for one in ("day", "month")] == [(0, 0, 3, 0), (0, 0, 3, 0)]
    assert content(writer.rows("daily_month")) == before


def test_every_chunk_is_loaded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows beyond one chunk arrive, each once, also where a chunk ends exactly at the last row."""
    monkeypatch.setattr(write, "CHUNK", 7)
    for rows in (6, 7, 8, 21):
        world.fill([{"at": at("2024-03-01"), "country": f"c{one:03d}", "n": one} for one in range(rows)])
        receipt = world.whole(world.run(SUBJECT, DAY, run_id=f"dag/{rows}"))
        assert sum(counts(receipt)[:3]) == rows
        assert len(world.rows()) == rows


def test_a_chunk_of_long_ids_is_cut(database: Any) -> None:
    """Where the ids of a chunk are long, it is cut in parts that a command can hold; each id is in one."""
    ids = ["x" * 600_000 + str(one) for one in range(4)] + [str(one) for one in range(5)]
    database["staged"].insert_many({"_id": one} for one in ids)
    parts = [one["_id"]["$in"] for one in write.chunks(database["staged"], 7)]
    assert sorted(each for one in parts for each in one) == sorted(ids)
    assert len(parts) > 2
    assert all(sum(map(len, one)) < 2_000_000 for one in parts)


# --- removal ---


def _many(number: int, day: str = "2024-03-01") -> list[Document]:
    return [{"at": at(day), "country": f"c{one:03d}", "n": 1} for one in range(number)]


def test_a_day_without_documents_loses_its_rows(world: World) -> None:
    """All documents of a day deleted: up to twenty rows go without being asked."""
    world.fill(_many(20) + _many(5, "2024-03-02"))
    world.whole(world.run(SUBJECT, DAY))
    world.source["orders"].delete_many({"at": at("2024-03-01")})
    receipt = world.whole(world.run(SUBJECT, DAY, run_id="dag/2"))
    assert counts(receipt) == (0, 0, 5, 20)
    assert {one["partition_date"] for one in world.rows()} == {"2024-03-02"}
    trace = world.target[state.AUDIT].find_one({"event": "removal"})
    assert trace is not None
    assert (trace["rows"], trace["collection"], trace["run_id"]) == (20, "daily", "dag/2")


def test_an_implausible_removal_stops_before_the_first_write(world: World) -> None:
    """Over twenty and over a fifth: refused with the numbers, nothing written; where allowed it goes on."""
    world.fill(_many(60))
    world.whole(world.run(SUBJECT, DAY))
    before = world.rows()
    world.fill([*_many(39), {"at": at("2024-03-01"), "country": "new"}])
    run = world.transform(world.run(SUBJECT, DAY, run_id="dag/2"))
    with pytest.raises(Refused, match=r"21 of 60 stored rows of daily would vanish; at most 20 may \(20%"):
        world.load(run)
    assert world.rows() == before
    assert world.target[state.PARTITIONS].count_documents({"run_id": "dag/2"}) == 0
    assert world.target[state.AUDIT].count_documents({"event": "refusal", "run_id": "dag/2"}) == 1
    receipt = world.load(world.transform(replace(run, allow_removal=True)))
    assert counts(receipt) == (1, 0, 39, 21)


@pytest.mark.parametrize(
    ("share", "vanished", "fine"), [(0.5, 25, True), (0.5, 26, False), (0.0, 20, True), (1, 50, True)]
)
def test_how_many_rows_may_vanish(world: World, share: float, vanished: int, fine: bool) -> None:
    """The larger of twenty and `max_removed` of the stored rows."""
    subject = replace(SUBJECT, target=replace(SUBJECT.target, max_removed=share))
    world.fill(_many(50))
    world.whole(world.run(subject, DAY))
    world.fill(_many(50)[vanished:])
    run = world.run(subject, DAY, run_id="dag/2")
    if fine:
        assert counts(world.whole(run)) == (0, 0, 50 - vanished, vanished)
    else:
        with pytest.raises(Refused, match="would vanish"):
            world.whole(run)


def test_the_running_partition_does_not_count_for_the_guard(world: World) -> None:
    """Rows of a partition that is not over may vanish in any number."""
    world.fill(_many(40))
    early = at("2024-03-01", 15)
    world.whole(world.run(SUBJECT, {Grain.DAY: ("2024-03-01",)}, as_of=early))
    world.fill(_many(10))
    receipt = world.whole(world.run(SUBJECT, {Grain.DAY: ("2024-03-01",)}, run_id="dag/2", as_of=early))
    assert counts(receipt) == (0, 0, 10, 30)


def test_no_grain_is_written_where_one_is_refused(world: World) -> None:
    """The month would lose too much: the day is untouched as well."""
    world.fill(_many(10))
    labels = {Grain.DAY: ("2024-03-01",), Grain.MONTH: ("2024-03-01",)}
    world.whole(world.run(GRAINS, labels))
    extra = [
        {**one, "_id": f"2024-03-01|x{at}"} for at, one in enumerate([world.rows("daily_month")[0]] * 30)
    ]
    world.target["daily_month"].insert_many(extra)
    before = world.rows()
    world.fill([*_many(10), *_many(10)])
    with pytest.raises(Refused, match="daily_month"):
        world.whole(world.run(GRAINS, labels, run_id="dag/2"))
    assert world.rows() == before


def test_other_partitions_keep_their_rows(world: World) -> None:
    """Only the run's partitions lose rows; the hours of a day are told apart."""
    subject = replace(SUBJECT, grains=(Grain.HOUR,), timezone="Asia/Shanghai")
    documents = [{"at": at("2024-03-01", hour), "country": "CN"} for hour in (1, 2, 3)]
    world.fill(documents)
    hours = ("2024-03-01T09+0800", "2024-03-01T10+0800", "2024-03-01T11+0800")
    world.whole(world.run(subject, {Grain.HOUR: hours}))
    world.fill([])
    receipt = world.whole(world.run(subject, {Grain.HOUR: hours[1:2]}, run_id="dag/2"))
    assert counts(receipt, "hour") == (0, 0, 0, 1)
    assert [one["_id"] for one in world.rows("daily_hour")] == [f"{hours[0]}|CN", f"{hours[2]}|CN"]


def test_documents_that_are_not_ours_stop_the_load(world: World) -> None:
    """A foreign document in a partition of the run is neither overwritten nor removed."""
    world.fill(DOCUMENTS)
    world.whole(world.run(SUBJECT, DAY))
    world.target["daily"].insert_one({"_id": "theirs", "partition_date": "2024-03-01"})
    with pytest.raises(Refused, match="daily holds 1 documents that are not ours"):
        world.whole(world.run(SUBJECT, DAY, run_id="dag/2"))
    assert world.target["daily"].count_documents({"_id": "theirs"}) == 1


# --- the fence ---


def test_a_fence_raised_in_mid_load_stops_every_later_chunk(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another run takes the lease between two chunks: the rest is not written, and the load says so."""
    monkeypatch.setattr(write, "CHUNK", 5)
    world.fill(_many(20))
    run = world.transform(world.run(SUBJECT, DAY))
    whole = write.chunks

    def raising(*args: Any) -> Any:
        for number, one in enumerate(whole(*args)):
            if number == 2:
                world.target[state.TARGETS].update_one({"_id": SUBJECT.id}, {"$inc": {"fence": 1}})
            yield one

    monkeypatch.setattr(write, "chunks", raising)
    with pytest.raises(LeaseLost):
        world.load(run)
    assert len(world.rows()) == 10


def test_a_zombie_that_wakes_up_changes_nothing(writer: World) -> None:
    """A load that slept while another run did everything anew finds its fence gone: no write, no removal."""
    writer.fill(_many(10))
    old = writer.transform(writer.run(SUBJECT, DAY))
    held = lease.enter(writer.target, SUBJECT.id, old.id, "load", fenced=True, log=writer.setup.log)
    writer.free(old)
    writer.fill([*_many(8), {"at": at("2024-03-01"), "country": "new"}])
    writer.whole(writer.run(SUBJECT, DAY, run_id="dag/2"))
    before, ledger = writer.rows(), list(writer.target[state.PARTITIONS].find())
    with pytest.raises(LeaseLost):
        load(old, Session(writer.setup, Request(SUBJECT, old.id), held))
    assert writer.rows() == before
    assert list(writer.target[state.PARTITIONS].find()) == ledger


def test_a_chunk_of_a_zombie_writes_neither_old_nor_new_keys(world: World) -> None:
    """The write itself checks the fence: merging under a lower one inserts nothing and changes nothing."""
    world.fill(_many(10))
    old = world.transform(world.run(SUBJECT, DAY))
    held = lease.enter(world.target, SUBJECT.id, old.id, "load", fenced=True, log=world.setup.log)
    world.free(old)
    world.fill(_many(5))
    world.whole(world.run(SUBJECT, DAY, run_id="dag/2"))
    before = world.rows()
    session = Session(world.setup, Request(SUBJECT, old.id), held)
    write.merge(old, session, Grain.DAY, old.receipts["transform"]["staging"]["day"], at("2024-04-01"))
    assert world.rows() == before


def test_rows_of_a_higher_fence_are_kept(world: World) -> None:
    """Should a guard have passed just before the fence rose, stored rows of the higher fence still stand."""
    world.fill(_many(3))
    world.whole(world.run(SUBJECT, DAY))
    world.target["daily"].update_one({"country": "c001"}, {"$set": {"_meta.fence": 10**6, "items": 42}})
    run = world.transform(world.run(SUBJECT, DAY, run_id="dag/2"))
    with pytest.raises(RunError, match="2 of 3 rows arrived in daily"):
        world.load(run)
    kept = world.target["daily"].find_one({"country": "c001"})
    assert kept is not None
    assert (kept["items"], kept["_meta"]["fence"]) == (42, 10**6)


def test_removals_do_not_commit_past_their_fence(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lease is lost after the writes and before the removals: the vanished rows stay."""
    world.fill(_many(10))
    world.whole(world.run(SUBJECT, DAY))
    world.fill(_many(5))
    run = world.transform(world.run(SUBJECT, DAY, run_id="dag/2"))
    counted = write.count

    def losing(*args: Any) -> Any:
        found = counted(*args)
        world.target[state.TARGETS].update_one({"_id": SUBJECT.id}, {"$inc": {"fence": 1}})
        return found

    monkeypatch.setattr(write, "count", losing)
    with pytest.raises(LeaseLost):
        world.load(run)
    assert len(world.rows()) == 10


def test_the_ledger_says_loaded_before_the_first_row(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the load killed at its first write, the ledger would tell to compute the partitions again."""
    world.fill(DOCUMENTS)
    run = world.transform(world.run(SUBJECT, DAY))
    seen: list[tuple[int, int]] = []
    merge = write.merge

    def seeing(*args: Any) -> None:
        loaded = world.target[state.PARTITIONS].count_documents({"state": "loaded"})
        seen.append((loaded, len(world.rows())))
        merge(*args)

    monkeypatch.setattr(write, "merge", seeing)
    world.load(run)
    assert seen == [(2, 0)]


def test_what_the_server_lacks_is_said(world: World) -> None:
    """No transactions, no guarded merge: the receipt tells which part of the promise is weaker."""
    lacking(world, "guarded_merge", "transactions")
    world.fill(DOCUMENTS)
    receipt = world.whole(world.run(SUBJECT, DAY))
    assert counts(receipt) == (3, 0, 0, 0)
    assert [one.partition(":")[0] for one in receipt["weaker"]] == ["no guarded_merge", "no transactions"]


def test_two_loads_of_two_subjects_do_not_meet(world: World) -> None:
    """Leases are a subject's own: two subjects load side by side."""
    world.fill(_many(50))
    other = replace(SUBJECT, name="other", target=Target(collection="other"))
    runs = [world.run(one, DAY, run_id=f"dag/{one.name}") for one in (SUBJECT, other)]
    receipts: list[Document] = []
    threads = [threading.Thread(target=lambda run=run: receipts.append(world.whole(run))) for run in runs]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert [counts(one) for one in receipts] == [(50, 0, 0, 0)] * 2


# --- indexes ---

QUERIED = replace(
    SUBJECT,
    target=Target(collection="daily", queries=(Query(("country",), "partition_date"),)),
)


def _keys(world: World) -> dict[str, Any]:
    return {name: one["key"] for name, one in world.target["daily"].index_information().items()}


def test_indexes_follow_from_the_queries(world: World) -> None:
    """One index a query and `partition_date` always; an equal one of another name is left alone."""
    world.target["daily"].create_index([("partition_date", 1)], name="mine")
    world.fill(DOCUMENTS)
    world.whole(world.run(QUERIED, DAY))
    world.whole(world.run(QUERIED, DAY, run_id="dag/2"))
    assert _keys(world) == {
        "_id_": [("_id", 1)],
        "mine": [("partition_date", 1)],
        "country_1_partition_date_-1": [("country", 1), ("partition_date", -1)],
    }


@pytest.mark.parametrize(
    ("fields", "options", "said"),
    [
        ([("partition_date", 1)], {"unique": True}, "partition_date_1 of daily is unique"),
        ([("partition_date", 1)], {"sparse": True}, "is sparse"),
        ([("country", 1)], {"name": "partition_date_1"}, r"has other fields \(country: 1\)"),
    ],
)
def test_a_conflicting_index_is_refused_with_its_cure(
    world: World, fields: Any, options: Document, said: str
) -> None:
    """An index that would refuse or hide rows, or has our name: says which, and how to drop it."""
    world.target["daily"].create_index(fields, **options)
    world.fill(DOCUMENTS)
    with pytest.raises(Refused, match=said) as refusal:
        world.whole(world.run(SUBJECT, DAY))
    assert refusal.value.help == 'drop it: db.daily.dropIndex("partition_date_1")'
    assert world.rows() == []
