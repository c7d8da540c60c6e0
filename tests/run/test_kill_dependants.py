"""A run that restates an old day, killed before any of its writes: the days that read it come right too."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from dashpipe.run import state, takeover
from dashpipe.spec.model import Dimension, Grain, Lookup, Metric, Period, Subject
from tests.conftest import PROFILE
from tests.run import shop, stage, victim
from tests.run.stage import Stage

Document = dict[str, Any]

RUN = "dag/restates"
OLD = shop.FIRST + timedelta(days=9)
NOON = shop.at(f"{OLD.isoformat()} 12:00")


@dataclass(frozen=True)
class Reach:
    """Metrics that reach beyond their rows: what comes late, and which rows, not of that day, it must change.

    ``stride``: `make test` stops a run before a few of its writes, .ci/run before some more, `make nightly`
    before each other one. ``dimensions`` are the rows' own, and ``lacks`` is what the server is said to lack.
    """

    metrics: tuple[Metric, ...]
    late: tuple[Document, ...]
    read: frozenset[str]
    stride: int
    dimensions: tuple[Dimension, ...] = shop.SUBJECT.dimensions
    lacks: str = ""

    @property
    def subject(self) -> Subject:
        """The shop with these metrics too."""
        metrics = (*shop.SUBJECT.metrics, *self.metrics)
        return replace(shop.SUBJECT, metrics=metrics, dimensions=self.dimensions)

    def weaken(self, target: Database[Document]) -> None:
        """Say that the server of a target lacks what is lacking."""
        if self.lacks:
            target[state.CAPABILITIES].update_many({}, {"$set": {f"has.{self.lacks}": False}})

    def asked(self) -> dict[str, Any]:
        """The request that restates the old day alone."""
        return {"subject": self.subject, "start": OLD, "end": OLD + timedelta(days=1), "now": shop.NOW}


def _days(*after: int) -> frozenset[str]:
    return frozenset(f"day:{(OLD + timedelta(days=more)).isoformat()}" for more in after)


WINDOWS = Reach(
    (
        Metric("amount_3d", "cumulative", metric="amount", window=Period(3, "day")),
        Metric("spend_mtd", "cumulative", metric="spend", to_date="month"),
        Metric("share", "share", metric="amount", of=()),
    ),
    tuple(shop.order(2000 + n, NOON, amount=50 + n) for n in range(4)),
    _days(1, 2),
    {"quick": 25, "ci": 6}.get(PROFILE, 2),
)
#: Of a buyer who buys on the old day alone, and of one whose last order it is: their balances are read later.
CARRY = Reach(
    (
        Metric("latest", "last", source="orders", expr="amount", carry=Period(3, "day")),
        Metric("held", "last", source="orders", expr="amount", per=("buyer",), carry="always"),
        Metric("opened", "first", source="orders", expr="amount", per=("buyer",), carry=Period(2, "week")),
    ),
    (
        shop.order(2000, NOON, buyer="once", amount=1000, status="paid", shop="north"),
        shop.order(2001, shop.at(f"{OLD.isoformat()} 23:59:59.999"), buyer="once", amount=77, status="paid"),
    ),
    _days(1, 2, 5, 10),
    {"quick": 40, "ci": 16}.get(PROFILE, 2),
)
#: Of a buyer who had been new in a later week, and of one who is new: rows of weeks around it are other ones.
RETENTION = Reach(
    (
        Metric(
            "back", "retention", "orders", entity="buyer", period=Grain.WEEK, periods=3, grains=(Grain.WEEK,)
        ),
    ),
    (
        shop.order(2000, NOON, buyer="later", status="paid", shop="north"),
        shop.order(2001, NOON, buyer="earlier", status="paid", shop="north"),
    ),
    frozenset(("week:2024-02-19", "week:2024-03-04")),
    {"quick": 40, "ci": 16}.get(PROFILE, 2),
)
#: By the region of a shop, which no order tells: buyers of several shops wait as pairs of shop and buyer.
PAIRS = Reach(
    (
        Metric("buyers_3d", "cumulative", metric="buyers", window=Period(3, "day")),
        Metric("middle", "median", source="orders", expr="amount"),
    ),
    tuple(shop.order(2000 + n, NOON, buyer="new", shop=name) for n, name in enumerate(("north", "south"))),
    _days(1, 2),
    {"quick": 60, "ci": 30}.get(PROFILE, 2),
    (Dimension("region", lookup=Lookup("shops", "shop", "_id", "region", "source")),),
)
SHOPS = (
    {"_id": "north", "region": "up"},
    {"_id": "south", "region": "up"},
    {"_id": "east", "region": "side"},
)
#: What runs do in place of `$unionWith`, where a server lacks it.
UNIONS = replace(CARRY, stride={"quick": 60, "ci": 30}.get(PROFILE, 2), lacks="union_with")
REACHES = {"windows": WINDOWS, "carry": CARRY, "retention": RETENTION, "pairs": PAIRS, "unions": UNIONS}
#: Buyers of no other days: one who first bought in the week after the old day's, one in that before it.
FEW = (
    shop.order(1000, shop.at("2024-03-06 12:00"), buyer="later", status="paid", shop="north"),
    shop.order(1001, shop.at("2024-02-21 12:00"), buyer="earlier", status="paid", shop="north"),
)


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait a moment, not a minute, for writes of a dead run that the server does not show: there are none."""
    monkeypatch.setattr(takeover, "LONGEST_WRITE", 0.2)


@pytest.fixture(scope="module", params=REACHES, ids=str)
def before(
    request: pytest.FixtureRequest, mongo: MongoClient[Document], mongo_uri: str
) -> Iterator[tuple[Stage, Reach]]:
    """A shop with all its days published, and since then more orders of an old day."""
    reach = REACHES[request.param]
    with stage.open_stage(mongo, mongo_uri) as one:
        one.source["orders"].insert_many([*FEW])
        one.source["shops"].insert_many([*SHOPS])
        one.go("dag/first", subject=reach.subject)
        one.source["orders"].insert_many([*reach.late])
        reach.weaken(one.target)
        yield one, reach


@pytest.mark.slow  # many runs and processes; `make test` kills plain runs
def test_killed_before_any_write_then_again(before: tuple[Stage, Reach]) -> None:
    """With kill −9 before the n-th write, then the same day again: the rows of a first run over all."""
    first, reach = before
    asked = reach.asked()
    with first.copied() as here:
        old = here.rows()
        done = here.go(RUN, **asked)["steps"]
        after = here.rows()
        assert done["transform"]["dependants"]
        weaker = [text.partition(":")[0] for text in done["transform"]["weaker"]]
        assert weaker == ([f"no {reach.lacks}"] if reach.lacks else [])
        changed = {one for one in {*old, *after} if after.get(one) != old.get(one)}
        rows = [after.get(one) or old[one] for one in changed]
        assert reach.read <= {f"{one['grain']}:{one['partition_date']}" for one in rows}
    with stage.open_stage(first.client, first.uri) as anew:
        anew.source["shops"].insert_many([*SHOPS])
        anew.source["orders"].delete_many({})
        anew.source["orders"].insert_many(first.source["orders"].find())
        anew.go("dag/all", subject=reach.subject)
        assert anew.rows() == after
    with first.copied() as here:
        process, told = victim.start(
            here.uri, here.source.name, here.target.name, 0, signal.SIGKILL, run_id=RUN, **asked
        )
        process.join()
        assert process.exitcode == 0
        total = int(told.value)
    for turn, number in enumerate(range(1, total + 1, reach.stride)):
        with first.copied() as here:
            process, _ = victim.start(
                here.uri, here.source.name, here.target.name, number, signal.SIGKILL, run_id=RUN, **asked
            )
            process.join()
            assert process.exitcode == -signal.SIGKILL
            here.client.admin.command({"killAllSessions": []})
            shop.expire(here.target)
            here.go(RUN if turn % 2 else "dag/another", **asked)
            about = f"killed before write {number} of {total}"
            assert here.rows() == after, about
            assert here.target[state.PARTITIONS].find_one({"state": {"$ne": "published"}}) is None, about
            assert shop.staged(here.target) == [], about
