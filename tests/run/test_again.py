"""Tasks that are cleared and run again, alone and with those after them, whenever that is."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from pymongo import MongoClient

from dashpipe.run import execute, state
from dashpipe.run.errors import LeaseHeld
from dashpipe.spec.model import Subject
from tests.conftest import PROFILE
from tests.run import shop, stage
from tests.run.stage import Stage

Document = dict[str, Any]

RUN = "dag/cleared"
TASKS = ("extract_orders", "extract_visits", "transform", "validate", "load", "publish")
BEFORE_LOAD = TASKS[:4]
DAYS = [shop.FIRST + number * shop.DAY for number in range(20)]  # to the 10th of March

CHANGED = replace(
    shop.SUBJECT,
    metrics=(
        shop.SUBJECT.metrics[0],
        replace(shop.SUBJECT.metrics[1], where="amount > 12"),
        *shop.SUBJECT.metrics[2:],
    ),
)


@dataclass(frozen=True)
class Then:
    """When a task is cleared: what is stored, what the spec says, the time, and the rows to expect."""

    here: Stage
    subject: Subject
    now: datetime
    whole: dict[str, Document]
    book: dict[str, Document]


def change(here: Stage, now: datetime) -> None:
    """What happens in a day: new orders, a changed one, one that is not paid any more, lost visits."""
    orders, visits = here.source["orders"], here.source["visits"]
    orders.insert_many([shop.order(1000 + one, now - one * timedelta(hours=3)) for one in range(12)])
    orders.update_one({"_id": 3}, {"$set": {"amount": 999, "changed_at": now - timedelta(hours=2)}})
    orders.update_one({"_id": 92}, {"$set": {"status": "open", "changed_at": now - timedelta(hours=2)}})
    visits.delete_many({"_id": {"$gte": 90}})


@pytest.fixture(scope="module")
def moments(mongo: MongoClient[Document], mongo_uri: str) -> Iterator[dict[str, Then]]:
    """Every situation in which a task of a past run is cleared, with what a whole new run gives then."""
    with ExitStack() as stack:
        first = stack.enter_context(stage.open_stage(mongo, mongo_uri))
        first.go(RUN)
        source = f"test_{uuid.uuid4().hex[:12]}"
        shop.copy(mongo, first.source.name, source)
        stack.callback(mongo.drop_database, source)
        later = shop.NOW + shop.DAY
        newer = replace(stack.enter_context(first.copied()), source=mongo[source])
        change(newer, later)
        newer.go("dag/newer", now=later)
        hour = timedelta(hours=1)
        situations = {
            "at once": (first, shop.SUBJECT, shop.NOW + hour),
            "a day later": (replace(first, source=mongo[source]), shop.SUBJECT, later),
            "after a newer run": (newer, shop.SUBJECT, later + hour),
            "after a change of the spec": (first, CHANGED, shop.NOW + hour),
        }
        found = {}
        for name, (here, subject, now) in situations.items():
            with here.copied() as copy:
                copy.go(RUN, subject=subject, now=now)
                found[name] = Then(here, subject, now, copy.rows(), shop.ledger(copy.target))
                if subject is shop.SUBJECT:
                    days = DAYS if here is not newer else (*DAYS, DAYS[-1] + shop.DAY)
                    assert shop.public(copy.rows()) == shop.counted(here.source, days, now)
        yield found


def do(here: Stage, then: Then, task: str) -> Document:
    """Run one task as Airflow would after clearing it."""
    step, _, source = task.partition("_")
    setup = here.setup()
    try:
        return execute(step, shop.request(RUN, then.subject, then.now), setup, source or None)
    finally:
        setup.connections.close()


def untouched(here: Stage) -> dict[str, list[Document]]:
    """The targets as they are stored, to the last field."""
    return {name: list(here.target[name].find().sort("_id", 1)) for name in shop.TARGETS.values()}


SITUATIONS = ("at once", "a day later", "after a newer run", "after a change of the spec")
ALONE = [(when, task) for when in SITUATIONS for task in TASKS]
#: `make test` runs each task and each situation, not each with each.
FEW = [
    ("a day later", "extract_orders"),
    ("after a newer run", "transform"),
    ("after a change of the spec", "validate"),
    ("after a newer run", "load"),
    ("a day later", "publish"),
]
FEW_WITH = [("at once", "validate"), ("a day later", "extract_visits"), ("after a newer run", "load")]


@pytest.mark.parametrize(("when", "task"), ALONE if PROFILE != "quick" else FEW)
def test_a_task_that_is_cleared_alone(moments: dict[str, Then], when: str, task: str) -> None:
    """Before load it leaves the target untouched and says so; from load on it gives what a run gives."""
    then = moments[when]
    with then.here.copied() as here:
        before = untouched(here)
        receipt = do(here, then, task)
        assert shop.is_free(here.target)
        if task in BEFORE_LOAD:
            assert untouched(here) == before
            assert receipt["note"] == "the target is untouched until load runs"
        else:
            assert here.rows() == then.whole
            earlier = ["extract_orders", "extract_visits", "transform", "validate", "load"]
            assert receipt["redone"] == earlier[: 5 if task == "publish" else 4]
        if task == "publish":
            assert shop.ledger(here.target) == then.book
        record = here.target[state.RUNS].find_one({"_id": RUN}) or {}
        assert (record["state"], record["reopened"], record["generation"]) == ("open", True, 2)


@pytest.mark.parametrize(("when", "task"), ALONE if PROFILE != "quick" else FEW_WITH)
def test_a_task_that_is_cleared_with_those_after_it(moments: dict[str, Then], when: str, task: str) -> None:
    """What then stands in target and ledger is what clearing the whole run gives; nothing else is left."""
    then = moments[when]
    after = [one for one in TASKS[TASKS.index(task) :] if not (one.startswith("extract") and one != task)]
    with then.here.copied() as here:
        for one in (*after, "cleanup"):
            do(here, then, one)
        assert here.rows() == then.whole
        assert shop.ledger(here.target) == then.book
        assert shop.staged(here.target) == []
        assert shop.is_free(here.target)
        record = here.target[state.RUNS].find_one({"_id": RUN}) or {}
        assert (record["state"], record["reopened"]) == ("closed", False)


def test_a_load_that_was_cleared_alone_is_published_by_the_next_run(moments: dict[str, Then]) -> None:
    """The partitions that it left as loaded are due, however old, and end as any other."""
    then = moments["a day later"]
    with then.here.copied() as here:
        do(here, then, "load")
        loaded = here.target[state.PARTITIONS].count_documents({"state": "loaded"})
        assert loaded == sum(len(one) for one in _partitions(here).values())
        here.go("dag/next", now=then.now)
        assert not here.target[state.PARTITIONS].count_documents({"state": {"$ne": "published"}})
        days = (*DAYS, DAYS[-1] + shop.DAY)
        assert shop.public(here.rows()) == shop.counted(here.source, days, then.now)


def _partitions(here: Stage) -> dict[str, list[str]]:
    record = here.target[state.RUNS].find_one({"_id": RUN}) or {}
    found: dict[str, list[str]] = record["partitions"]
    return found


def test_a_step_done_twice_takes_fresh_inputs(moments: dict[str, Then]) -> None:
    """Load alone, then again: the second time it reads the documents as they are then."""
    then = moments["a day later"]
    with then.here.copied() as here:
        do(here, replace(then, subject=CHANGED), "load")
        assert do(here, then, "load")["why"] == "the task was done already"
        assert here.rows() == then.whole


def test_inputs_of_a_run_in_flight_are_used(moments: dict[str, Then]) -> None:
    """A step whose inputs are there does not do them again; a receipt too long ago does not count."""
    then = moments["a day later"]
    with then.here.copied() as here:
        run = "dag/in-flight"
        setup, request = here.setup(), shop.request(run, now=then.now)
        for task in TASKS[:3]:
            step, _, source = task.partition("_")
            assert "why" not in execute(step, request, setup, source or None)
        with pytest.raises(LeaseHeld):
            execute("transform", shop.request("dag/other"), setup)
        assert "why" not in execute("validate", request, setup)
        long_ago = shop.at("2024-01-01T00:00")
        old = {f"receipts.{task}.at": long_ago for task in TASKS[:4]}
        here.target[state.RUNS].update_one({"_id": run}, {"$set": old})
        receipt = execute("load", request, setup)
        assert receipt["why"] == "the steps before are too long ago"


def test_what_transform_staged_and_is_gone_is_made_again(moments: dict[str, Then]) -> None:
    """Load finds its staging dropped, does the earlier steps first, and says why."""
    then = moments["a day later"]
    with then.here.copied() as here:
        setup, request = here.setup(), shop.request("dag/in-flight", now=then.now)
        for task in TASKS[:4]:
            step, _, source = task.partition("_")
            execute(step, request, setup, source or None)
        here.target.drop_collection(shop.staged(here.target)[0])
        receipt = execute("load", request, setup)
        assert receipt["why"] == "what transform staged is gone"
        execute("publish", request, setup)
        execute("cleanup", request, setup)
        days = (*DAYS, DAYS[-1] + shop.DAY)
        assert shop.public(here.rows()) == shop.counted(here.source, days, then.now)
        assert shop.staged(here.target) == []


def _begun(here: Stage, then: Then, subject: Subject = shop.SUBJECT) -> None:
    """A run whose extracts and transform are done."""
    for task in TASKS[:3]:
        step, _, source = task.partition("_")
        request = shop.request("dag/in-flight", subject, then.now)
        execute(step, request, here.setup(), source or None)


def test_inputs_that_another_run_overtook_do_not_count(moments: dict[str, Then]) -> None:
    """After another run had the lease the next step does everything again, and the rows are right."""
    then = moments["a day later"]
    with then.here.copied() as here:
        _begun(here, then)
        shop.expire(here.target)
        here.go("dag/other", now=then.now)
        request = shop.request("dag/in-flight", now=then.now)
        receipt = execute("validate", request, here.setup())
        assert receipt["why"] == "another run of the subject came between"
        assert receipt["redone"] == ["extract_orders", "extract_visits", "transform"]
        for step in ("load", "publish", "cleanup"):
            assert "why" not in execute(step, request, here.setup())
        days = (*DAYS, DAYS[-1] + shop.DAY)
        assert shop.public(here.rows()) == shop.counted(here.source, days, then.now)


def test_a_record_of_another_version_is_pinned_anew(moments: dict[str, Then]) -> None:
    """A spec in a record that this version cannot read is no error: the deployed one takes its place."""
    then = moments["a day later"]
    with then.here.copied() as here:
        _begun(here, then)
        here.target[state.RUNS].update_one({"_id": "dag/in-flight"}, {"$set": {"spec": "{}"}})
        receipt = execute("validate", shop.request("dag/in-flight", now=then.now), here.setup())
        assert receipt["why"] == "another version of dashpipe wrote the record"


def test_a_source_that_came_to_the_spec_meanwhile_is_pinned_anew(moments: dict[str, Then]) -> None:
    """The extract of a source that the pinned spec does not have takes the deployed one."""
    then = moments["a day later"]
    less = replace(shop.SUBJECT, sources=shop.SUBJECT.sources[:1], metrics=shop.SUBJECT.metrics[:3])
    with then.here.copied() as here:
        first, later = (shop.request("dag/in-flight", one, then.now) for one in (less, shop.SUBJECT))
        execute("extract", first, here.setup(), "orders")
        receipt = execute("extract", later, here.setup(), "visits")
        assert receipt["why"] == "the spec has another source now"
        for step in ("transform", "validate", "load", "publish", "cleanup"):
            execute(step, later, here.setup())
        days = (*DAYS, DAYS[-1] + shop.DAY)
        assert shop.public(here.rows()) == shop.counted(here.source, days, then.now)
