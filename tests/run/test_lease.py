"""The lease: one run of a subject at a time, in its tenure, each attempt with a fence of its own."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from pymongo.database import Database

from dashpipe.run import encode, held, lease, log, state, takeover
from dashpipe.run.errors import LeaseHeld, LeaseLost
from dashpipe.spec.model import Grain

Document = dict[str, Any]
SUBJECT = "shop_dash_daily_v1"
PAST = timedelta(seconds=-1)


def enter(
    database: Database[Document], run: str, step: str = "transform", *, fenced: bool = True
) -> lease.Held:
    return lease.enter(database, SUBJECT, run, step, fenced=fenced, log=log.silent)


def test_another_run_is_refused_with_holder_step_and_time(database: Database[Document]) -> None:
    """While a run holds the lease, another one learns who holds it, in which step, and until when."""
    enter(database, "dag/a")
    with pytest.raises(LeaseHeld) as refusal:
        enter(database, "dag/b")
    assert refusal.value.holder == "dag/a"
    assert "dag/a (step transform)" in str(refusal.value)
    assert refusal.value.until > lease.server_time(database)


def test_each_attempt_of_a_step_takes_the_next_fence(database: Database[Document]) -> None:
    """A second attempt of the same run fences off the first, in the same tenure."""
    first = enter(database, "dag/a")
    second = enter(database, "dag/a")
    assert (second.fence, second.tenure) == (first.fence + 1, first.tenure)
    with pytest.raises(LeaseLost, match="no longer held by dag/a with fence 1"):
        first.confirm()
    second.confirm()


def test_extracts_share_the_lease_without_a_fence(database: Database[Document]) -> None:
    """Extracts of one run stand side by side: none fences the other off."""
    one = enter(database, "dag/a", "extract", fenced=False)
    other = enter(database, "dag/a", "extract", fenced=False)
    assert (one.fence, one.tenure) == (other.fence, other.tenure) == (1, 1)
    one.confirm()
    other.confirm()


def test_a_released_lease_goes_to_anyone_and_raises_the_tenure(database: Database[Document]) -> None:
    """Another holder raises fence and tenure; coming back before one does keeps the tenure."""
    first = enter(database, "dag/a")
    first.release()
    back = enter(database, "dag/a")
    assert back.tenure == first.tenure
    back.release()
    other = enter(database, "dag/b", fenced=False)
    assert (other.fence, other.tenure) == (back.fence + 1, back.tenure + 1)
    other.release()
    again = enter(database, "dag/a")
    assert again.tenure == other.tenure + 1


def test_a_lease_stands_between_steps(database: Database[Document]) -> None:
    """After a step the lease stands as long as it was told to, for the same run's next step."""
    enter(database, "dag/a").leave(timedelta(hours=1))
    with pytest.raises(LeaseHeld):
        enter(database, "dag/b")
    assert enter(database, "dag/a", "validate").tenure == 1


def test_an_expired_lease_is_taken_over_and_its_staging_dropped(database: Database[Document]) -> None:
    """Who takes over raises the fence, drops the old run's staging and leaves a trace."""
    old = enter(database, "dag/a")
    staged = state.staging(SUBJECT, "dag/a", "rows", Grain.DAY, old.fence)
    kept = state.staging(SUBJECT, "dag/other", "rows", Grain.DAY, 1)
    for name in (staged, kept):
        database[name].insert_one({"_id": 1})
    old.leave(PAST)
    new = enter(database, "dag/b")
    assert new.previous == "dag/a"
    assert new.fence == old.fence + 1
    names = database.list_collection_names()
    assert kept in names
    assert staged not in names
    trace = database[state.AUDIT].find_one({"event": "takeover"})
    assert trace is not None
    assert (trace["previous"], trace["run_id"], trace["fence"]) == ("dag/a", "dag/b", new.fence)
    with pytest.raises(LeaseLost):
        old.confirm()


def test_only_one_of_many_takes_an_expired_lease(database: Database[Document]) -> None:
    """Of eight runs that reach for an expired lease at once, one gets it."""
    enter(database, "dag/a").leave(PAST)
    got: list[lease.Held] = []
    refused: list[LeaseHeld] = []

    def reach(number: int) -> None:
        try:
            got.append(enter(database, f"dag/{number}"))
        except LeaseHeld as error:
            refused.append(error)

    threads = [threading.Thread(target=reach, args=(number,)) for number in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert (len(got), len(refused)) == (1, 7)


def test_guarded_documents_pass_only_while_the_fence_stands(database: Database[Document]) -> None:
    """The guard's stages let everything through under our fence, and nothing after another was taken."""
    database["rows"].insert_many([{"_id": 1}, {"_id": 2}])
    ours = enter(database, "dag/a")
    assert list(database["rows"].aggregate(ours.guard())) == [{"_id": 1}, {"_id": 2}]
    enter(database, "dag/a")
    assert list(database["rows"].aggregate(ours.guard())) == []


def test_a_transaction_cannot_commit_past_its_fence(database: Database[Document]) -> None:
    """A transaction that touched the lease keeps others out or is rolled back; a late one is refused."""
    database.create_collection("rows")
    ours = enter(database, "dag/a")
    client = database.client
    with client.start_session() as session, session.start_transaction():
        ours.touch(session)
        database["rows"].insert_one({"_id": 1}, session=session)
    enter(database, "dag/a")
    with client.start_session() as session, pytest.raises(LeaseLost), session.start_transaction():
        ours.touch(session)
    assert [one["_id"] for one in database["rows"].find()] == [1]


def test_the_lease_is_renewed_while_a_step_runs(
    database: Database[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread moves the lease's end on, and notices when the lease is gone."""
    monkeypatch.setattr(held, "RENEW", timedelta(milliseconds=20))
    ours = enter(database, "dag/a")
    before = database[state.TARGETS].find_one({"_id": SUBJECT})
    assert before is not None
    database[state.TARGETS].update_one(
        {"_id": SUBJECT}, {"$set": {"until": before["until"] - timedelta(hours=1)}}
    )
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        now = database[state.TARGETS].find_one({"_id": SUBJECT})
        assert now is not None
        if now["until"] >= before["until"]:
            break
        time.sleep(0.02)
    assert now["until"] >= before["until"]
    ours.check()
    database[state.TARGETS].update_one({"_id": SUBJECT}, {"$inc": {"fence": 1}})
    while time.monotonic() < deadline:
        try:
            ours.check()
        except LeaseLost:
            return
        time.sleep(0.02)
    pytest.fail("the loss was not noticed")


def test_a_step_that_slept_too_long_stops_by_itself(
    database: Database[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that was stopped for longer than the lease stands may not go on, even unasked."""
    ours = enter(database, "dag/a")
    slept = time.monotonic() + held.LEASE.total_seconds() + 1
    monkeypatch.setattr(held.time, "monotonic", lambda: slept)
    with pytest.raises(LeaseLost):
        ours.check()


def test_the_last_write_of_a_dead_attempt_is_ended_first(
    database: Database[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the server does not show operations, an attempt that began to write is waited out, once."""
    monkeypatch.setattr(takeover, "LONGEST_WRITE", 0.5)
    monkeypatch.setattr(takeover, "shows_operations", lambda _: False)
    enter(database, "dag/a").writing()
    began = time.monotonic()
    again = enter(database, "dag/a")
    assert time.monotonic() - began >= 0.5
    assert again.writer == 1
    began = time.monotonic()
    enter(database, "dag/a").release()
    assert time.monotonic() - began < 0.5


def test_an_attempt_that_left_is_not_waited_for(
    database: Database[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who wrote and left by itself has no write under way."""
    monkeypatch.setattr(takeover, "LONGEST_WRITE", 60)
    writer = enter(database, "dag/a")
    writer.writing()
    writer.leave(PAST)
    began = time.monotonic()
    enter(database, "dag/b").release()
    assert time.monotonic() - began < 10


def test_shown_operations_of_the_old_run_are_killed(
    database: Database[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the server shows operations with comments, those of the old run are killed till none is left."""
    shown = [["one", "two"], ["two"], []]
    killed: list[str] = []
    monkeypatch.setattr(takeover, "shows_operations", lambda _: True)
    monkeypatch.setattr(takeover, "_running", lambda _database, _prefix: shown.pop(0))
    monkeypatch.setattr(takeover, "_kill", lambda _database, operation: killed.append(operation))
    enter(database, "dag/a").writing()
    enter(database, "dag/a")
    assert killed == ["one", "two", "two"]


def test_operations_are_known_by_the_comment_of_their_run(database: Database[Document]) -> None:
    """The prefix of one run's comments is no prefix of another's."""
    assert encode.comment("dag/a", "load", "0123456789ab") == "dashpipe dag/a load 01234567"
    assert not encode.comment("dag/ab", "load").startswith(encode.comment_prefix("dag/a"))
    assert takeover._running(database, encode.comment_prefix("dag/none")) == []
