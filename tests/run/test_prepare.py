"""Sources with `prepare` and metrics with `mongo`: whole runs on both routes give what Python counts."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
from bson import Int64

from dashpipe import embedded
from dashpipe.compile import compile_subject
from dashpipe.compile.errors import CompileError
from dashpipe.spec.model import Dimension, Field, Grain, Metric, Source, Subject, Target, Time
from tests.conftest import BUILD
from tests.differential import runs
from tests.differential.subjects import Case
from tests.run.world import World

Document = dict[str, Any]

FIRST, LAST = date(2024, 3, 1), date(2024, 3, 4)
PREPARE: tuple[Document, ...] = (
    {"$match": {"state": {"$ne": "draft"}}},
    {"$lookup": {"from": "shops", "localField": "shop", "foreignField": "_id", "as": "found"}},
    {
        "$set": {
            "city": {"$let": {"vars": {"one": {"$first": "$found"}}, "in": "$$one.city"}},
            "pieces": {"$sum": {"$map": {"input": "$items", "in": "$$this.n"}}},
        }
    },
    {"$unset": ["found"]},
)


def subject(prepare: tuple[Document, ...] = PREPARE, **more: Any) -> Subject:
    """Orders by the city of their shop."""
    source = Source(
        "orders",
        "orders",
        Time("at"),
        prepare=tuple(json.dumps(one) for one in prepare),
        where="pieces > 0",
        fields=(Field("city", "string"), Field("pieces", "integer")),
        dimensions=(Dimension("city"),),
        **more,
    )
    dear = {"$filter": {"input": "$items", "as": "one", "cond": {"$gt": ["$$one.n", 2]}}}
    return Subject(
        project="test",
        domain="run",
        name="prepared",
        version=1,
        timezone="UTC",
        start="2024-01-01",
        sources=(source,),
        metrics=(
            Metric("orders", "count", source="orders"),
            Metric("pieces", "sum", source="orders", expr="pieces"),
            Metric("dear", "sum", source="orders", mongo=json.dumps({"$size": dear}), mongo_type="integer"),
            Metric("note_length", "avg", source="orders", mongo='{"$strLenCP":{"$ifNull":["$note",""]}}'),
            Metric("notes", "count_distinct", source="orders", mongo='"$note"', mongo_type="string"),
            Metric("noted", "count", source="orders", mongo='"$note"'),
        ),
        target=Target("prepared"),
        dimensions=(Dimension("city"),),
        grains=(Grain.DAY, Grain.MONTH),
    )


DOCUMENTS: dict[str, list[Document]] = {
    "shops": [{"_id": "n", "city": "York"}, {"_id": "s", "city": "Bath"}, {"_id": "x", "city": 7}],
    "orders": [
        {
            "_id": number,
            "at": datetime(2024, 3, 1, 20, tzinfo=timezone.utc) + timedelta(hours=5 * number),
            "state": "draft" if number % 4 == 3 else "paid",
            "shop": "nsxz"[number % 3 if number % 5 else 3],
            "items": [{"n": one} for one in range(number % 5)],
            "note": (None, "a", "ab", "a", "abc")[number % 5],
        }
        for number in range(14)
        if number != 4
    ],
}


def counted() -> dict[tuple[str, str, Any], tuple[Any, ...]]:
    """The rows of days and months, order by order."""
    cities = {one["_id"]: one["city"] for one in DOCUMENTS["shops"]}
    groups: dict[tuple[str, str, Any], list[Document]] = defaultdict(list)
    for one in DOCUMENTS["orders"]:
        city = cities.get(one["shop"])
        day = one["at"].date()
        if one["state"] != "draft" and sum(item["n"] for item in one["items"]) > 0:
            key = city if isinstance(city, str) else None
            if day < LAST:
                groups["day", day.isoformat(), key].append(one)
            groups["month", "2024-03-01", key].append(one)
    rows = {}
    for key, some in groups.items():
        notes = [one["note"] for one in some if one["note"] is not None]
        lengths = [len(one["note"] or "") for one in some]
        rows[key] = (
            len(some),
            sum(item["n"] for one in some for item in one["items"]),
            sum(item["n"] > 2 for one in some for item in one["items"]),
            sum(lengths) / len(lengths),
            len({one for one in notes if isinstance(one, str)}),
            len(notes),
        )
    return rows


@pytest.fixture(scope="module", params=["server", "cursor"])
def world(request: pytest.FixtureRequest, mongo_uri: str) -> Iterator[World]:
    """A source on the target's cluster, or on one of its own."""
    name = f"prepared_{os.getpid()}_{request.param}"
    if request.param == "server":
        with runs.opened(mongo_uri, name, None) as one:
            yield one
        return
    with embedded.start(build=BUILD) as second, runs.opened(mongo_uri, name, second.uri) as one:
        yield one


def test_rows_are_as_counted(world: World) -> None:
    """Filters, looked-up fields and made ones come before `where` and the key; `mongo` gives typed values."""
    as_of = datetime(2024, 4, 2, tzinfo=timezone.utc)
    case = Case(subject(), DOCUMENTS, (FIRST, LAST), as_of)
    with runs.loaded(world, case.documents):
        runs.run(world, case)
        rows = {
            (row["grain"], row["partition_date"], row["city"]): tuple(
                row[one.name] for one in case.subject.metrics
            )
            for grain in case.subject.grains
            for row in runs.published(world, case.subject, grain)
        }
    assert rows == counted()
    assert all(isinstance(row[2], (int, Int64)) for row in rows.values())


def test_a_plan_with_a_barred_operator_is_not_built() -> None:
    """Whoever wrote the spec's JSON: what lint refuses, the compiler refuses too."""
    wrong = {"$set": {"a": {"$function": {"body": "x", "args": [], "lang": "js"}}}}
    with pytest.raises(CompileError, match=r"\$function"):
        compile_subject(subject((wrong,)))
    with pytest.raises(CompileError, match="by which a run reads"):
        compile_subject(subject(({"$set": {"at": "$x"}},)))
