"""Metrics over the elements of arrays, and over their documents, equal what plain Python counts."""

from __future__ import annotations

import os
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from bson import Int64
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo import MongoClient
from pymongo.database import Database

from dashpipe.compile import compile_subject, emit
from dashpipe.spec.model import Dimension, Field, Grain, Metric, Period, Source, Subject, Target, Time, Unwind
from tests.differential import runs, stages
from tests.differential.compare import differences
from tests.differential.documents import Document
from tests.differential.reading import kinds, reach, read
from tests.differential.subjects import Case
from tests.run.world import World

pytestmark = pytest.mark.differential

TZ = "Europe/London"
FIRST, LAST = date(2024, 3, 29), date(2024, 4, 2)
AS_OF = datetime(2024, 4, 3, tzinfo=timezone.utc)
GRAINS = (Grain.DAY, Grain.MONTH)
TYPES = {"buyer": "string", "paid": "boolean", "total": "integer", "item.sku": "string", "item.n": "integer"}

METRICS = (
    Metric("lines", "count", source="orders", counts="element"),
    Metric("skus", "count", source="orders", expr="item.sku"),
    Metric("pieces", "sum", source="orders", expr="item.n"),
    Metric("most", "max", source="orders", expr="item.n + total"),
    Metric("kinds", "count_distinct", source="orders", expr="item.sku"),
    Metric("many", "count", source="orders", where="item.n > 1"),
    Metric("line_totals", "sum", source="orders", expr="total", counts="element"),
    Metric("orders", "count", source="orders", counts="document"),
    Metric("paid", "count", source="orders", where="paid", counts="document"),
    Metric("totals", "sum", source="orders", expr="total", counts="document"),
    Metric("mean", "avg", source="orders", expr="total", counts="document"),
    Metric("buyers", "count_distinct", source="orders", expr="buyer", counts="document"),
    Metric("per_order", "ratio", numerator="lines", denominator="orders"),
)
#: Of documents and of elements, over the day and the day before it.
REACHING = tuple(
    Metric(f"{name}_2d", "cumulative", metric=name, window=Period(2, "day"), grains=(Grain.DAY,))
    for name in ("lines", "orders", "buyers", "totals")
)


@dataclass(frozen=True)
class Unit:
    """One document, or one element of one, as its row counts it."""

    document: Document
    element: Any
    real: bool

    def value(self, path: str) -> Any:
        """The value of a declared field, NULL where it is of another type."""
        given = reach({**self.document, "item": self.element}, path)
        return read(given, TYPES[path])[0]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    path = draw(st.sampled_from(["items", "cart.items"]))
    sku = draw(st.booleans())
    source = Source(
        "orders",
        "orders_raw",
        Time("at"),
        unique=draw(st.sampled_from([(), (), ("buyer",)])),
        unwind=Unwind(path, "item", draw(st.booleans())),
        where=draw(
            st.sampled_from([None, "paid", "item.n > 0", "item.sku IS NULL", "total > 2 AND item.n < 5"])
        ),
        fields=tuple(Field(one, type_) for one, type_ in TYPES.items()),
        dimensions=(
            Dimension("kind", draw(st.sampled_from(["item.sku", "lower(item.sku)"])) if sku else "buyer"),
        ),
        max_untimed=1.0,
    )
    chosen = draw(st.lists(st.sampled_from(METRICS[:-1]), min_size=1, max_size=6, unique=True))
    reaching = tuple(one for one in REACHING if draw(st.integers(0, 3)) == 0)
    chosen += [one for one in METRICS if f"{one.name}_2d" in {each.name for each in reaching}]
    wanted = {*chosen, *((METRICS[0], METRICS[7], METRICS[-1]) if draw(st.booleans()) else ())}
    subject = Subject(
        project="test",
        domain="diff",
        name="unwound",
        version=1,
        timezone=TZ,
        start="2024-01-01",
        sources=(source,),
        metrics=(*(one for one in METRICS if one in wanted), *reaching),
        target=Target("diff_unwound"),
        dimensions=(Dimension("kind"),) if draw(st.booleans()) else (),
        grains=GRAINS,
    )
    seed = draw(st.integers(0, 2**16))
    numbers = draw(st.lists(st.integers(0, 99), unique=True, min_size=0, max_size=25))
    return Case(subject, {"orders_raw": [_order(seed, one, path) for one in numbers]}, (FIRST, LAST), AS_OF)


def _order(seed: int, number: int, path: str) -> Document:
    rng = random.Random(f"{seed}:{number}")
    start = datetime(2024, 3, 29, tzinfo=ZoneInfo(TZ)).astimezone(timezone.utc)
    made: Document = {
        "_id": number,
        "at": start + timedelta(minutes=rng.randint(-600, 4 * 1440 + 600)),
        "buyer": rng.choice(["ann", "bob", None, 7]),
        "paid": rng.choice([True, True, False, None, "yes"]),
        "total": rng.choice([1, 2, Int64(3), 4.0, None, "5", [6]]),
    }
    items = rng.choice([None, [], "none", 5, {"sku": "a"}, *([_elements(rng)] * 8)])
    if path == "items":
        made["items"] = items
    else:
        made["cart"] = rng.choice([{"items": items}] * 6 + [None, [], [{"items": items}], 3, {}])
    if rng.random() < 0.1:
        made["item"] = {"sku": "hidden", "n": 99}
    return made


def _elements(rng: random.Random) -> list[Any]:
    odd = [None, "a", 3, [], [{"sku": "a", "n": 1}], {}]
    skus = ["a", "b", "A", None, 4]
    numbers = [0, 1, 2, Int64(4), 5.0, None, "1", [2]]
    return [
        rng.choice(odd) if rng.random() < 0.2 else {"sku": rng.choice(skus), "n": rng.choice(numbers)}
        for _ in range(rng.randint(0, 4))
    ]


def expected(case: Case, grain: Grain) -> dict[str, Document]:
    """The rows of a grain, counted unit by unit."""
    source, subject = case.subject.sources[0], case.subject
    labels = {_label(grain, FIRST + timedelta(days=at)) for at in range((LAST - FIRST).days)}
    dated = [(_label(grain, _day(one)), one) for one in case.documents["orders_raw"]]
    if source.unique:
        newest: dict[Any, tuple[str, Document]] = {}
        for label, one in sorted(dated, key=lambda pair: (pair[1]["at"], pair[1]["_id"])):
            newest[label, read(one["buyer"], "string")[0]] = label, one
        dated = list(newest.values())
    groups: dict[tuple[str, ...], list[Unit]] = defaultdict(list)
    if not subject.key:
        groups = defaultdict(list, {(label,): [] for label in labels})
    for label, one in dated:
        for unit in _units(one, source.unwind):
            if _passes(unit, source.where):
                groups[(label, *([_kind(unit, source)] if subject.key else []))].append(unit)
    rows: dict[str, Document] = {}
    for (label, *kind), units in list(groups.items()):
        if label not in labels:
            continue
        key = "|".join([label, *("\\N" if one is None else one for one in kind)])
        days = (date(2024, 4, 1), date(2024, 5, 1)) if grain is Grain.MONTH else (None, None)
        complete = label != "2024-04-01" if days[0] else True
        row: Document = {"_id": key, "partition_date": label, "grain": grain.value, "complete": complete}
        if kind:
            row["kind"] = kind[0]
        for one in subject.metrics:
            if one.type != "cumulative":
                row[one.name] = _metric(one, units)
            elif grain is Grain.DAY:
                before = (date.fromisoformat(label) - timedelta(days=1)).isoformat()
                of = next(each for each in METRICS if each.name == one.metric)
                row[one.name] = _metric(of, [*groups.get((before, *kind), ()), *units])
        rows[key] = row
    return rows


def _day(order: Document) -> date:
    moment: datetime = order["at"]
    return moment.astimezone(ZoneInfo(TZ)).date()


def _label(grain: Grain, day: date) -> str:
    return (day.replace(day=1) if grain is Grain.MONTH else day).isoformat()


def _units(order: Document, unwind: Unwind | None) -> list[Unit]:
    assert unwind is not None
    array = reach(order, unwind.path)
    through = "." in unwind.path and isinstance(order.get("cart"), list)
    if isinstance(array, list) and array and not through:
        return [Unit(order, one, True) for one in array]
    return [Unit(order, None, False)] if unwind.keep_empty else []


def _passes(unit: Unit, where: str | None) -> bool:
    n, total = unit.value("item.n"), unit.value("total")
    return bool(
        {
            None: True,
            "paid": unit.value("paid"),
            "item.n > 0": n is not None and n > 0,
            "item.n > 1": n is not None and n > 1,
            "item.sku IS NULL": unit.value("item.sku") is None,
            "total > 2 AND item.n < 5": total is not None and total > 2 and n is not None and n < 5,
        }[where]
    )


def _kind(unit: Unit, source: Source) -> Any:
    text = source.dimensions[0].expr
    value = unit.value("buyer" if text == "buyer" else "item.sku")
    return value.lower() if value is not None and text == "lower(item.sku)" else value


def _metric(metric: Metric, units: list[Unit]) -> Any:
    if metric.type == "ratio":
        over, under = (_metric(METRICS[at], units) for at in (0, 7))
        return over / under if under else None
    if metric.counts == "document":
        units = list({id(one.document): one for one in units}.values())
    else:
        units = [one for one in units if one.real]
    units = [one for one in units if metric.where is None or _passes(one, metric.where)]
    if metric.expr is None:
        return Int64(len(units))
    values = [one for one in _values(metric.expr, units) if one is not None]
    if metric.type in ("count", "count_distinct"):
        return Int64(len(set(values) if metric.type == "count_distinct" else values))
    if metric.type == "sum":
        return Int64(sum(values))
    if not values:
        return None
    return float(sum(values) / len(values)) if metric.type == "avg" else Int64(max(values))


def _values(expr: str, units: Iterable[Unit]) -> list[Any]:
    if expr == "item.n + total":
        pairs = [(one.value("item.n"), one.value("total")) for one in units]
        return [None if a is None or b is None else a + b for a, b in pairs]
    return [one.value(expr) for one in units]


@pytest.fixture(scope="module")
def scratch(mongo: MongoClient[Document]) -> Iterator[Database[Document]]:
    """One database for all cases: each leaves it empty."""
    name = f"unwind_{os.getpid()}"
    yield mongo[name]
    mongo.drop_database(name)


@given(case=cases(), off=st.sampled_from([(), ("fuse",), ("push",), ("share", "fuse", "push", "rollup")]))
def test_rows_equal_python(scratch: Database[Document], case: Case, off: tuple[str, ...]) -> None:
    """Elements and documents are each counted in their own unit, with and without the passes."""
    plan = compile_subject(case.subject, off)
    with stages.loaded(scratch, case):
        for grain in GRAINS:
            said = differences(expected(case, grain), stages.computed(scratch, plan, case, grain))
            assert not said, (grain, said[:6])


@given(case=cases())
def test_types_are_counted_in_their_own_unit(scratch: Database[Document], case: Case) -> None:
    """A document's value counts once, whatever elements it has; an element's counts each time."""
    plan = compile_subject(case.subject)
    (source,) = plan.sources
    unwind = case.subject.sources[0].unwind
    assert unwind is not None
    inside = [one for one in case.documents["orders_raw"] if FIRST <= _day(one) < LAST]
    with stages.loaded(scratch, case):
        scans = emit.types_scans(plan, "orders", Grain.DAY, stages.labels(plan, Grain.DAY, case.days))
        assert scans
        counted: Counter[str] = Counter()
        for one in stages.counted(scratch, "orders_raw", scans):
            counted.update({name: value for name, value in one.items() if name != "_id"})
    real = [unit for one in inside for unit in _units(one, unwind) if unit.real]
    assert (counted["n"], counted["e"]) == (len(inside), len(real))
    for at, (path, type_) in enumerate(source.types):
        of_element = path.startswith("item.")
        units = [{"item": unit.element} for unit in real] if of_element else inside
        wanted = kinds(units, path, type_.value)
        if path == "cart.items":  # an array on the way leads to no one value
            wanted["mistyped"] += sum(isinstance(one["cart"], list) for one in units)
        assert [counted[f"{letter}{at}"] for letter in "azmf"] == list(wanted.values()), path


@given(case=cases())
def test_untimed_documents_count_once(scratch: Database[Document], case: Case) -> None:
    """A document without a time counts once where an element of it passes the filter, and else not."""
    orders = [{**one, "at": None} for one in case.documents["orders_raw"]]
    source = case.subject.sources[0]
    passing = {
        one["_id"] for one in orders for unit in _units(one, source.unwind) if _passes(unit, source.where)
    }
    with stages.loaded(scratch, Case(case.subject, {"orders_raw": orders}, case.days, case.as_of)):
        found = stages.run(scratch, "orders_raw", emit.untimed_scan(compile_subject(case.subject), "orders"))
    assert (found or [{"n": 0}])[0]["n"] == len(passing)


@pytest.fixture(scope="module")
def worlds(mongo_uri: str, second_uri: str) -> Iterator[dict[str, World]]:
    """A world for each route."""
    with ExitStack() as stack:
        others = {"server": None, "cursor": second_uri}
        name = f"unwound_{os.getpid()}"
        yield {
            route: stack.enter_context(runs.opened(mongo_uri, f"{name}_{route}", other))
            for route, other in others.items()
        }


@settings(max_examples=max(2, settings().max_examples // 8))
@given(case=cases(), route=st.sampled_from(["server", "cursor"]))
def test_published_rows_equal_python(worlds: dict[str, World], case: Case, route: str) -> None:
    """Whole runs publish the same rows on both routes, the month from the days' states where it can be."""
    with runs.loaded(worlds[route], case.documents):
        runs.run(worlds[route], case)
        for grain in GRAINS:
            said = differences(expected(case, grain), runs.published(worlds[route], case.subject, grain))
            assert not said, (grain, said[:6])
