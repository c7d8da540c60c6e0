"""A small shop to run: a subject over two sources, its documents, and its rows as counted by hand."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from pymongo import MongoClient
from pymongo.database import Database

from dashpipe.run import log, run_all, state
from dashpipe.run.base import Request, Setup
from dashpipe.run.connections import Connections, from_environment
from dashpipe.spec.model import (
    Bounds,
    Check,
    Dimension,
    Field,
    Grain,
    Lookback,
    Metric,
    Source,
    Subject,
    Target,
    Time,
)

Document = dict[str, Any]

TZ = "Asia/Shanghai"
ZONE = ZoneInfo(TZ)
FIRST = date(2024, 2, 20)  # the first day with documents, and the subject's start
NOW = datetime(2024, 3, 10, 12, 30, tzinfo=ZONE).astimezone(timezone.utc)
DAY = timedelta(days=1)

SUBJECT = Subject(
    project="shop",
    domain="dash",
    name="daily",
    version=1,
    timezone=TZ,
    start=FIRST.isoformat(),
    sources=(
        Source(
            "orders",
            "orders",
            Time("at"),
            updated=Time("changed_at"),
            where="status = 'paid'",
            fields=(
                Field("status", "string"),
                Field("shop", "string"),
                Field("buyer", "string"),
                Field("amount", "integer"),
            ),
            dimensions=(Dimension("shop"),),
        ),
        Source(
            "visits",
            "visits",
            Time("seen_at"),
            fields=(Field("shop", "string"),),
            dimensions=(Dimension("shop"),),
        ),
    ),
    metrics=(
        Metric("orders", "count", source="orders"),
        Metric("amount", "sum", source="orders", expr="amount"),
        Metric("buyers", "count_distinct", source="orders", expr="buyer"),
        Metric("visits", "count", source="visits"),
        Metric("spend", "ratio", numerator="amount", denominator="visits"),
    ),
    target=Target("dash_daily"),
    dimensions=(Dimension("shop"),),
    grains=(Grain.DAY, Grain.WEEK, Grain.MONTH),
    lookback=Lookback(2),
    checks=(Check("amount-not-negative", "range", metric="amount", fail=Bounds(below=0)),),
)

#: The target collection of each grain.
TARGETS = {Grain.DAY: "dash_daily", Grain.WEEK: "dash_daily_week", Grain.MONTH: "dash_daily_month"}


def at(text: str) -> datetime:
    """The instant of a local time in the shop's zone."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(timezone.utc)


def order(number: int, when: datetime, **more: Any) -> Document:
    """An order; every fifth is not paid."""
    return {
        "_id": number,
        "at": when,
        "changed_at": when,
        "status": "open" if number % 5 == 4 else "paid",
        "shop": ("north", "south", None)[number % 3],
        "buyer": f"b{number % 7}",
        "amount": None if number % 11 == 0 else 10 + number % 13,
        **more,
    }


def fill(source: Database[Document], until: datetime = NOW) -> None:
    """Orders and visits of every day, also right after midnight and right before it."""
    orders, visits, number = [], [], 0
    day = FIRST
    while at(f"{day}T00:00") < until:
        for time in ("00:00:00", "07:59:59", "08:00:00", "13:10:00", "23:59:59.999"):
            when = at(f"{day}T{time}")
            if when < until:
                number += 1
                orders.append(order(number, when))
                if number % 2:
                    visits.append(
                        {"_id": number, "seen_at": when, "shop": ("north", "east")[number % 4 // 2]}
                    )
        day += DAY
    source["orders"].insert_many(orders)
    source["visits"].insert_many(visits)
    source["orders"].create_index("at")


def make_setup(uri: str, source: str, target: str, say: log.Log = log.silent, **environ: str) -> Setup:
    """Where a run happens: two databases of the test's server."""
    whole = {
        "DASHPIPE_SOURCE_URI": _with_database(uri, source),
        "DASHPIPE_TARGET_URI": _with_database(uri, target),
        **environ,
    }
    return Setup(Connections(from_environment(whole)), whole, (), say)


def _with_database(uri: str, name: str) -> str:
    scheme, _, rest = uri.partition("://")
    hosts, _, tail = rest.partition("/")
    return f"{scheme}://{hosts}/{name}?{tail.partition('?')[2]}"


def request(run_id: str = "", subject: Subject = SUBJECT, now: datetime | None = NOW, **more: Any) -> Request:
    """A request of the shop, by a name of its own where none is given."""
    return Request(subject, run_id or f"command/{uuid.uuid4().hex[:8]}", now=now, **more)


def go(setup: Setup, run_id: str = "", **more: Any) -> Document:
    """A whole run that is tried once."""
    return run_all(request(run_id, **more), setup, tries=1)


def rows(target: Database[Document]) -> dict[str, Document]:
    """Every row of every target, without what may differ between two equal runs."""
    found = {}
    for name in TARGETS.values():
        for one in target[name].find():
            row = {
                key: value for key, value in one.items() if key not in ("_meta", "created_at", "updated_at")
            }
            found[f"{name}:{one['_id']}"] = row
    return found


def ledger(target: Database[Document]) -> dict[str, Document]:
    """The ledger by ``_id``, without what may differ between two equal runs."""
    moving = ("run_id", "fence", "published_at", "as_of", "read_at", "freshness")
    found = target[state.PARTITIONS].find()
    return {one["_id"]: {k: v for k, v in one.items() if k not in moving} for one in found}


def counted(source: Database[Document], days: Iterable[date], now: datetime = NOW) -> dict[str, Document]:
    """What the rows must be whose partitions touch some days: public fields, counted document by document."""
    wanted = {grain: {_label(grain, day) for day in days} for grain in TARGETS}
    groups: dict[tuple[str, str, Any], dict[str, list[Document]]] = defaultdict(lambda: defaultdict(list))
    for name, time in (("orders", "at"), ("visits", "seen_at")):
        for one in source[name].find():
            if name == "orders" and one["status"] != "paid":
                continue
            day = one[time].astimezone(ZONE).date()
            for grain, labels in wanted.items():
                label = _label(grain, day)
                if label in labels:
                    groups[grain.value, label, one.get("shop")][name].append(one)
    return {
        f"{TARGETS[Grain(grain)]}:{label}|{_key(shop)}": _row(grain, label, shop, some, now)
        for (grain, label, shop), some in groups.items()
    }


def _label(grain: Grain, day: date) -> str:
    if grain is Grain.WEEK:
        return (day - day.weekday() * DAY).isoformat()
    return (day.replace(day=1) if grain is Grain.MONTH else day).isoformat()


def _over(grain: str, label: str, now: datetime) -> bool:
    day = date.fromisoformat(label)
    after = {"day": day + DAY, "week": day + 7 * DAY, "month": (day + 31 * DAY).replace(day=1)}[grain]
    return at(f"{after}T00:00") <= now


def _key(shop: str | None) -> str:
    return "\\N" if shop is None else shop


def _row(grain: str, label: str, shop: Any, some: Mapping[str, list[Document]], now: datetime) -> Document:
    amount = sum(one["amount"] for one in some["orders"] if one["amount"] is not None)
    visits = len(some["visits"])
    return {
        "_id": f"{label}|{_key(shop)}",
        "partition_date": label,
        "grain": grain,
        "complete": _over(grain, label, now),
        "shop": shop,
        "orders": len(some["orders"]),
        "amount": amount,
        "buyers": len({one["buyer"] for one in some["orders"]}),
        "visits": visits,
        "spend": amount / visits if visits else None,
    }


def public(found: Mapping[str, Document]) -> dict[str, Document]:
    """Rows without their state, as ``counted`` gives them."""
    return {name: {k: v for k, v in row.items() if k != "_state"} for name, row in found.items()}


def expire(target: Database[Document], subject_id: str = SUBJECT.id) -> None:
    """Let time pass until the lease has run out."""
    past = datetime(2000, 1, 1, tzinfo=timezone.utc)
    target[state.TARGETS].update_one({"_id": subject_id}, {"$set": {"until": past}})


def is_free(target: Database[Document], subject_id: str = SUBJECT.id) -> bool:
    """Whether nobody holds the subject's lease."""
    one = target[state.TARGETS].find_one({"_id": subject_id})
    return one is not None and one["holder"] is None


def staged(target: Database[Document]) -> list[str]:
    """The staging collections that there are."""
    return sorted(one for one in target.list_collection_names() if one.startswith(f"{state.PREFIX}stage_"))


def copy(client: MongoClient[Document], from_: str, to: str) -> None:
    """A copy of a database, with its indexes."""
    for name in client[from_].list_collection_names():
        documents = list(client[from_][name].find())
        if documents:
            client[to][name].insert_many(documents)
        for index in client[from_][name].list_indexes():
            if index["name"] != "_id_":
                client[to][name].create_index(list(index["key"].items()), name=index["name"])
