"""Random subjects over the random documents, as resolved objects: every feature that changes a number."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from dashpipe.spec.model import (
    FISCAL,
    WEEKDAYS,
    Dimension,
    Env,
    Field,
    Grain,
    Input,
    Lookup,
    Metric,
    Source,
    Subject,
    Target,
    Time,
)
from tests.compile.calendars import fiscals
from tests.differential import documents as docs
from tests.differential import times

Draw = Any

#: Dimensions by name: their type, and expressions of that type (``None``: the field of that name).
DIMENSIONS: dict[str, tuple[str, tuple[str | None, ...]]] = {
    "country": (
        "string",
        (
            "geo.country",
            "coalesce(geo.country, 'none')",
            "CASE WHEN ok THEN geo.country END",
            "geo.city.name",
        ),
    ),
    "status": ("string", (None, "status", "doc.status")),
    "kind": ("string", ("lower(status)", "CASE WHEN x > 2 THEN 'high' WHEN x <= 2 THEN 'l|w' END", "'one'")),
    "active": ("boolean", ("ok", "n > 1", "geo.country IS NULL", "status = 'a' AND ok")),
    "bucket": ("integer", ("n", "n % 3", "CASE WHEN n > 1 THEN 1 ELSE 0 END", "length(status)", "qty - n")),
    "seen_on": ("date", ("seen", "CAST(seen AS DATE)")),
    "item": ("object_id", ("ref",)),
}

VALUES: dict[str, tuple[str, ...]] = {
    "integer": (
        "n",
        "qty",
        "n + qty",
        "n * 2",
        "CASE WHEN status = 'a' THEN n ELSE 0 END",
        "coalesce(n, 0)",
        "abs(n)",
        "-n",
        "n % 3",
        "length(status)",
        "len(tags)",
    ),
    "number": (
        "x",
        "score",
        "x * 2",
        "x / n",
        "n / 2",
        "score / 60",
        "x + score",
        "coalesce(x, 0.5)",
        "CASE WHEN ok THEN x END",
        "nullif(x, 2.5)",
    ),
    "decimal": (
        "price",
        "price + fee",
        "price * 2",
        "price * qty",
        "coalesce(price, 0)",
        "CASE WHEN ok THEN fee END",
    ),
    "string": ("status", "geo.country", "lower(status)", "geo.city.name"),
    "date": ("seen",),
    "boolean": ("ok",),
    "object_id": ("ref",),
}

CONDITIONS = (
    "status = 'a'",
    "status <> 'a'",
    "status IN ('a', 'b')",
    "status NOT IN ('a', 'b')",
    "status LIKE 'a%'",
    "status = '$a'",
    "geo.country = 'a'",
    "geo.country IS NULL",
    "geo.country IS NOT NULL",
    "geo.city.name <> 'b'",
    "n > 1",
    "n <= 3",
    "n <> 2",
    "n = 2",
    "n IN (1, 2, 3)",
    "n NOT IN (1, 2)",
    "n BETWEEN 1 AND 5",
    "n NOT BETWEEN 1 AND 5",
    "n >= 1.5",
    "x >= 2.5",
    "x < 2.5",
    "x <> 2.5",
    "score = 0",
    "price > 0.05",
    "price = 0.05",
    "price <= 10",
    "ok",
    "NOT ok",
    "ok = FALSE",
    "ok IS NULL",
    "seen >= '2024-03-31'",
    "seen < DATE '2024-10-28'",
    "ref IS NOT NULL",
    "list_contains(tags, 2)",
    "len(tags) > 1",
    "n > qty",
    "x > n",
    "lower(status) = 'a'",
    "length(status) > 1",
    "n % 2 = 0",
    "coalesce(qty, 0) > 1",
    "abs(n) < 3",
    "n IS NULL",
    "NOT (n > 1)",
    "TRUE",
)


#: What the documents of a source may be made to differ in.
UNIQUE = (
    ("status",),
    ("geo.country", "n"),
    ("lower(status)",),
    ("seen",),
    ("price", "ok"),
    ("ref",),
    ("n % 3", "x"),
)

#: The type of each expression that a metric may aggregate, and of each dimension.
TYPES = {expr: type_ for type_, exprs in VALUES.items() for expr in exprs}
TYPES |= {"bucket + 1": "integer", "fee": "decimal"} | {
    name: type_ for name, (type_, _) in DIMENSIONS.items()
}


#: The types of metrics that are over numbers alone.
NUMERIC = ("sum", "avg", "median", "percentile", "stddev", "variance")

#: Arithmetic over two metrics.
FORMS = ("{a} / {b}", "({a} - {b}) / {a}", "{a} / 4 + 1", "{a} - {b}", "{a} + 2 * {b}", "{a} * {b}", "-{a}")


@dataclass(frozen=True)
class Case:
    """A subject, what its collections hold, and the days ``[from, to)`` whose partitions are asked for."""

    subject: Subject
    documents: dict[str, list[docs.Document]]
    days: tuple[date, date]
    as_of: datetime

    @property
    def names(self) -> dict[str, str]:
        """The collection of each source and of each looked-up dimension."""
        found = {one.name: collection(one.collection) for one in self.subject.sources}
        lookups = {one.name: one.lookup for one in self.subject.dimensions if one.lookup is not None}
        return found | {name: collection(one.collection) for name, one in lookups.items()}

    def __repr__(self) -> str:
        """The case as text that makes it again, so that a failing one can be kept."""
        return f"Case({brief(self.subject)}, {self.documents!r}, {self.days!r}, {self.as_of!r})"

    def _repr_pretty_(self, printer: Any, _: bool) -> None:
        printer.text(repr(self))


def brief(value: Any) -> str:
    """An object of the spec's model as text, without defaults and declared fields."""
    if isinstance(value, Grain):
        return str(value)
    if isinstance(value, tuple):
        return f"({''.join(f'{brief(one)}, ' for one in value)})"
    if not is_dataclass(value):
        return repr(value)
    told = []
    for one in fields(value):
        given = getattr(value, one.name)
        if given != one.default and one.name not in ("origin", "fields"):
            told.append(f"{one.name}={brief(given)}")
    return f"{type(value).__name__}({', '.join(told)})"


@st.composite
def cases(
    draw: Draw, grains: tuple[Grain, ...] = tuple(Grain), most: int = 60, *, hiding: bool = False
) -> Case:
    """A random subject with random documents; ``hiding``: some group rows by what is looked up."""
    tz, day = draw(st.sampled_from(docs.PLACES))
    subject = draw(subjects(tz, day, grains, hiding=hiding))
    seed = draw(st.integers(0, 2**16))
    held: dict[str, list[docs.Document]] = {}
    for at, source in enumerate(subject.sources):
        name = collection(source.collection)
        if name not in held:
            least = draw(st.sampled_from([0, most // 6, most // 3, most // 2]))
            numbers = draw(st.lists(st.integers(0, 999), unique=True, min_size=least, max_size=most))
            held[name] = [
                docs.document(seed + at, one, tz, day, source.time.field, source.time.kind) for one in numbers
            ]
    for one in subject.dimensions:
        if one.lookup is not None:
            of_key = DIMENSIONS[one.lookup.key][0]
            held[collection(one.lookup.collection)] = draw(lookup_documents(one.lookup, of_key))
    first = day + timedelta(days=draw(st.integers(-1, 1)))
    days = (first, first + timedelta(days=draw(st.integers(1, 3))))
    as_of = datetime(first.year, first.month, first.day, tzinfo=timezone.utc)
    return Case(subject, held, days, as_of + timedelta(hours=draw(st.integers(13, 120))))


def collection(name: str | Env) -> str:
    """The name of a collection where the environment says nothing."""
    return (name.default or "") if isinstance(name, Env) else name


@st.composite
def conditions(draw: Draw, dimensions: tuple[str, ...] = ()) -> str:
    """A condition over a document: one test, or two joined, sometimes over a dimension."""
    own = {"country": "country = 'a'", "active": "NOT active", "bucket": "bucket > 0", "kind": "kind <> 'ab'"}
    pool = st.sampled_from(CONDITIONS + tuple(own[one] for one in dimensions if one in own))
    first = draw(pool)
    join = draw(st.sampled_from([None, None, "AND", "AND", "OR"]))
    return first if join is None else f"{first} {join} {draw(pool)}"


@st.composite
def subjects(
    draw: Draw, tz: str, day: date, grains: tuple[Grain, ...] = tuple(Grain), *, hiding: bool = False
) -> Subject:
    """A random resolved subject; ``hiding``: some keys of lookups are none of the row."""
    chosen = tuple(draw(st.lists(st.sampled_from(grains), min_size=1, max_size=4, unique=True)))
    names = tuple(draw(st.lists(st.sampled_from(sorted(DIMENSIONS)), max_size=3, unique=True)))
    sources = tuple(
        draw(_sources(name, names))
        for name in ("orders", "visits", "reviews")[: draw(st.sampled_from([1, 1, 1, 2, 2, 3]))]
    )
    dimensions = [Dimension(one) for one in names]
    for key in names:
        if DIMENSIONS[key][0] in ("string", "integer", "object_id") and draw(st.integers(0, 4)) < 1 + hiding:
            foreign = draw(st.sampled_from(["_id", "code"]))
            dimensions.append(Dimension(f"{key}_label", lookup=Lookup(f"{key}_names", key, foreign, "label")))
            if hiding and draw(st.integers(0, 2)):
                dimensions.remove(Dimension(key))
    metrics: list[Metric] = []
    for source in sources:
        count = draw(st.integers(1, 4))
        own = [draw(_aggregates(f"{source.name}_{at}", source.name, names, chosen)) for at in range(count)]
        if draw(st.integers(0, 3)) == 0:
            own += draw(_held(f"{source.name}_held", own, names, chosen))
        metrics += own
    for at in range(draw(st.integers(0, 4))):
        metrics.append(draw(_composites(f"made_{at}", tuple(metrics), names, chosen)))
    return Subject(
        project="test",
        domain="diff",
        name="random",
        version=1,
        timezone=tz,
        start=(day - timedelta(days=800)).isoformat(),
        sources=tuple(_forget(one, metrics, draw(st.booleans())) for one in sources),
        metrics=tuple(draw(st.permutations(metrics))),
        target=Target("diff_random"),
        dimensions=tuple(draw(st.permutations(dimensions))),
        grains=chosen,
        week_start=draw(st.sampled_from(WEEKDAYS)),
        fiscal=draw(fiscals) if any(one in FISCAL for one in chosen) else None,
    )


@st.composite
def _times(draw: Draw) -> Time:
    kind = draw(st.sampled_from(["date", "date", *times.KINDS]))
    return Time(draw(st.sampled_from(["at", "meta.at", *(["_id"] if kind == "object_id" else [])])), kind)


@st.composite
def _sources(draw: Draw, name: str, dimensions: tuple[str, ...]) -> Source:
    return Source(
        name=name,
        collection=draw(st.sampled_from([f"{name}_raw", Env(f"T_{name.upper()}", f"{name}_raw")])),
        time=draw(_times()),
        unique=draw(st.one_of(st.just(()), st.just(()), st.sampled_from(UNIQUE))),
        where=draw(st.one_of(st.none(), conditions(dimensions))),
        fields=tuple(Field(path, type_) for path, type_ in docs.FIELDS.items()),
        dimensions=tuple(Dimension(one, draw(st.sampled_from(DIMENSIONS[one][1]))) for one in dimensions),
        max_untimed=1.0,
    )


def _forget(source: Source, metrics: list[Metric], wanted: bool) -> Source:
    """The source without the declaration of `x`, where its use says the same: a sum makes it a number."""
    summed = any(
        one.source == source.name and one.type in ("sum", "avg") and one.expr == "x" for one in metrics
    )
    if not (wanted and summed):
        return source
    return replace(source, fields=tuple(one for one in source.fields if one.path != "x"))


def _own_grains(draw: Draw, chosen: tuple[Grain, ...]) -> tuple[Grain, ...] | None:
    if draw(st.integers(0, 4)):
        return None
    return tuple(draw(st.lists(st.sampled_from(chosen), min_size=1, unique=True)))


@st.composite
def _aggregates(
    draw: Draw, name: str, source: str, dimensions: tuple[str, ...], chosen: tuple[Grain, ...]
) -> Metric:
    plain = ["count", "sum", "avg", "min", "max", "count_distinct"]
    ranked = ["median", "percentile", "percentile"]
    kind = draw(st.sampled_from([*plain, *ranked, "stddev", "variance", "first", "last", "top"]))
    numeric = ("integer", "number", "decimal")
    types = numeric if kind in NUMERIC else (*numeric, "string", "date", "boolean", "object_id")
    type_ = draw(st.sampled_from(types))
    expr: str | None = draw(st.sampled_from(VALUES[type_]))
    if kind == "count" and draw(st.booleans()):
        expr = None
    if (
        kind in ("sum", "avg", "max")
        and type_ == "integer"
        and "bucket" in dimensions
        and draw(st.integers(0, 3)) == 0
    ):
        expr = "bucket + 1"
    of_value = kind in ("min", "max", "first", "last")
    empties: list[Any] = [None] if kind == "top" or (of_value and type_ not in numeric) else [None, 0, -1]
    has_empty = draw(st.integers(0, 3)) == 0
    return Metric(
        name=name,
        type=kind,
        source=source,
        expr=expr,
        where=draw(st.one_of(st.none(), conditions(dimensions))),
        grains=_own_grains(draw, chosen),
        has_empty=has_empty,
        empty=draw(st.sampled_from(empties)) if has_empty else None,
        hidden=draw(st.integers(0, 5)) == 0,
        **draw(_options(kind)),
    )


@st.composite
def _options(draw: Draw, kind: str) -> dict[str, Any]:
    """The keys that only some types have."""
    if kind in ("median", "percentile"):
        shares = ["0.5", "0.9", "0.95", "0.25", "0.1", "0.01", "0.999", "0.29", "0.123456789"]
        p = draw(st.sampled_from(shares)) if kind == "percentile" else None
        return {"p": p, "method": draw(st.sampled_from([None, "discrete", "continuous"]))}
    if kind in ("stddev", "variance"):
        return {"population": draw(st.booleans())}
    if kind == "top":
        # Not doubles: two sums that are nearly equal have no order that a test could know.
        by = draw(st.sampled_from([None, None, "n", "qty", "n * 2", "price", "fee"]))
        return {"k": draw(st.integers(1, 4)), "by": by}
    if kind == "count_distinct":
        return {"cardinality_at_most": draw(st.sampled_from([None, None, 3, 50]))}
    return {}


@st.composite
def _held(
    draw: Draw, name: str, metrics: list[Metric], dimensions: tuple[str, ...], chosen: tuple[Grain, ...]
) -> list[Metric]:
    """A distinct count of values whose own metrics satisfy a condition; none where no metric can be asked."""
    known = [one.name for one in metrics if is_numeric(one) and one.type not in ("median", "percentile")]
    known = [one.name for one in metrics if one.name in known and one.type != "count_distinct"]
    if not known:
        return []
    a, b = draw(st.sampled_from(known)), draw(st.sampled_from(known))
    # No sum of doubles is nearly one of these.
    forms = ["{a} >= 1.98765", "{a} > 0.01234 AND {b} IS NOT NULL", "{a} IS NULL OR {b} < 3.14159"]
    form = draw(st.sampled_from(forms))
    type_ = draw(st.sampled_from(sorted(VALUES)))
    return [
        Metric(
            name=name,
            type="count_distinct",
            source=metrics[0].source,
            expr=draw(st.sampled_from(VALUES[type_])),
            where=draw(st.one_of(st.none(), conditions(dimensions))),
            having=form.format(a=a, b=b),
            grains=_own_grains(draw, chosen),
        )
    ]


@st.composite
def _composites(
    draw: Draw, name: str, metrics: tuple[Metric, ...], dimensions: tuple[str, ...], chosen: tuple[Grain, ...]
) -> Metric:
    known = {one.name: one for one in metrics}
    numeric = [one.name for one in metrics if is_numeric(one)]
    # A quotient of decimals has all 34 digits; the native server cannot divide some of these again.
    once = [one for one in numeric if not (_is_decimal(known[one], known) and _is_made(known[one]))]
    if not once:
        return Metric(name=name, type="count", source=metrics[0].source)
    has_empty = draw(st.integers(0, 2)) == 0
    shared: dict[str, Any] = {
        "name": name,
        "where": draw(st.one_of(st.none(), st.none(), conditions(dimensions))),
        "grains": _own_grains(draw, chosen),
        "has_empty": has_empty,
        "empty": draw(st.sampled_from([None, 0, -1])) if has_empty else None,
        "hidden": draw(st.integers(0, 5)) == 0,
    }
    form = draw(st.sampled_from([None, *FORMS]) if draw(st.booleans()) else st.none())
    operands = st.sampled_from(once if form is None or "/" in form else numeric)
    a, b = draw(operands), draw(operands)
    if form is None:
        on_zero = draw(st.sampled_from([None, None, 0, 0, 0, "error"]))
        return Metric(type="ratio", numerator=a, denominator=b, on_zero=on_zero, **shared)
    inputs: tuple[Input, ...] = ()
    if draw(st.booleans()):
        inputs = (Input(a, "first_of", draw(st.one_of(st.none(), conditions(dimensions)))),)
        a = "first_of"
    return Metric(type="derived", expr=form.format(a=a, b=b), inputs=inputs, **shared)


def _is_made(metric: Metric) -> bool:
    return metric.type in ("avg", "ratio", "derived")


def _is_decimal(metric: Metric, known: dict[str, Metric]) -> bool:
    if metric.source is not None:
        other = ("count", "count_distinct", "stddev", "variance")
        return metric.type not in other and TYPES[metric.expr or ""] == "decimal"
    aliases = {one.alias: one.metric for one in metric.inputs}
    names = re.findall(r"[a-z]\w*", metric.expr or f"{metric.numerator} {metric.denominator}")
    return all(_is_decimal(known[aliases.get(one, one)], known) for one in names)


def is_numeric(metric: Metric) -> bool:
    """Whether arithmetic may be done with a metric's value."""
    if metric.type in ("min", "max", "first", "last"):
        return TYPES[metric.expr or ""] in ("integer", "number", "decimal")
    return metric.type != "top"


@st.composite
def lookup_documents(draw: Draw, lookup: Lookup, key_type: str) -> list[docs.Document]:
    """The documents of a lookup collection: some keys, each once, their labels of any kind."""
    keys: dict[str, list[Any]] = {
        "string": ["a", "b", "ab", "", "none", "a|b", "high", "7", None],
        "integer": [0, 1, 2, 3, -1, 5, None],
        "object_id": [*docs.REFS, None],
    }
    chosen = draw(st.lists(st.sampled_from(keys[key_type]), unique=True, max_size=5))
    labels = st.sampled_from(["red", "blue", 5, 2.5, True, None, docs.ABSENT])
    made = []
    for at, key in enumerate(chosen):
        one: docs.Document = {"_id": at} if lookup.foreign != "_id" else {}
        one[lookup.foreign] = key
        docs.put(one, lookup.field, draw(labels))
        made.append(one)
    return made
