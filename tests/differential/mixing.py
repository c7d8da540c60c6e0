"""Random subjects that mix features: hidden keys, several sources, arrays, odd calendars, reaches."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from bson import Decimal128, Int64
from hypothesis import strategies as st

from dashpipe.spec.model import (
    WEEKDAYS,
    Dimension,
    Events,
    Field,
    Fill,
    Grain,
    Input,
    Lookup,
    Metric,
    Period,
    Source,
    Subject,
    Target,
    Time,
    Unwind,
    Valid,
)
from dashpipe.spec.moves import fits
from tests.compile.calendars import fiscals
from tests.differential import times
from tests.differential.company import LABEL
from tests.differential.reaching import DAILY
from tests.differential.subjects import Case

Document = dict[str, Any]
Held = dict[str, list[Document]]
Pieces = list[tuple[date, date]]
Draw = Callable[[st.SearchStrategy[Any]], Any]

ZONES = ("Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Sao_Paulo")
#: A leap day, clock changes, ISO week 53, a new year, a midnight that there is not.
DAYS = (
    *(date(2024, 2, 28), date(2024, 3, 30), date(2024, 11, 2)),
    *(date(2021, 1, 2), date(2023, 12, 30), date(2018, 11, 3)),
)
ORDER = (
    Grain.HOUR,
    Grain.DAY,
    Grain.WEEK,
    Grain.MONTH,
    Grain.FISCAL_MONTH,
    Grain.FISCAL_QUARTER,
    Grain.QUARTER,
)
WINDOWS = (
    Period(3, "day"),
    Period(7, "day"),
    Period(2, "week"),
    Period(1, "month"),
    Period(1, "fiscal_month"),
)
OFFSETS = (*WINDOWS[1:], Period(1, "day"), Period(1, "year"), Period(1, "fiscal_year"))
TO_DATE = ("month", "quarter", "fiscal_month", "fiscal_quarter", "year")
CARRIES = (
    None,
    None,
    "always",
    Period(1, "day"),
    Period(3, "day"),
    Period(1, "month"),
    Period(1, "fiscal_month"),
)
LENGTHS = (
    Period(1, "day"),
    Period(3, "day"),
    Period(1, "week"),
    Period(1, "month"),
    Period(1, "fiscal_month"),
)
WITHIN = (Period(1, "hour"), Period(1, "day"), Period(3, "day"), Period(1, "month"))
TYPES = (
    "count",
    "sum",
    "avg",
    "min",
    "max",
    "count_distinct",
    "median",
    "percentile",
    "stddev",
    "first",
    "top",
)
#: Hours from the midnight of the day; the clock changes within the first few.
HOURS = (
    -900,
    -200,
    -75,
    -50,
    -30,
    -24,
    -3,
    -1,
    0,
    0,
    1,
    2,
    3,
    5,
    12,
    23,
    24,
    25,
    26,
    27,
    47,
    71,
    73,
    170,
    500,
)


@dataclass
class Mixed:
    """The metrics of a subject while they are drawn, and what may be made of each.

    Attributes:
        draw: Draws.
        grains: The subject's grains.
        key: The dimensions of its rows' key.
        made: The metrics.
        runs: The names of those that may be cumulated.
        parts: Of those that may be shared.
        numbers: Of those that are numbers.
        shares: Of those that are made of shares.
    """

    draw: Draw
    grains: tuple[Grain, ...]
    key: tuple[str, ...]
    made: list[Metric] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)
    shares: list[str] = field(default_factory=list)

    @property
    def coarse(self) -> tuple[Grain, ...]:
        """The grains that reach back by days."""
        return tuple(one for one in self.grains if one is not Grain.HOUR)

    def of(self, *some: Any) -> Any:
        """One of some."""
        return self.draw(st.sampled_from(some))

    def add(self, metric: Metric, *lists: list[str]) -> None:
        """Take a metric, and note in some lists what it may be part of."""
        self.made.append(metric)
        for one in lists:
            one.append(metric.name)

    def grains_of(self, *names: str, among: tuple[Grain, ...] | None = None) -> tuple[Grain, ...]:
        """The grains that some metrics all have."""
        told = [one.grains for one in self.made if one.name in names and one.grains is not None]
        return tuple(one for one in among or self.grains if all(one in each for each in told))


@st.composite
def metrics(
    draw: Draw, sources: tuple[Source, ...], grains: tuple[Grain, ...], key: tuple[str, ...], hidden: bool
) -> tuple[Metric, ...]:
    """Random metrics over sources, and what is made of them; ``hidden``: rows are by what is looked up."""
    mixed = Mixed(draw, grains, key)
    for source in sources:
        counts = None if source.unwind is None else "document"
        every = Metric(f"{source.name}_all", "count", source.name, counts=counts)
        mixed.add(every, mixed.runs, mixed.parts, mixed.numbers)
        for at in range(draw(st.integers(1, 4))):
            _aggregate(mixed, source, f"{source.name}_{at}")
    single = [one for one in sources if one.unwind is None]
    if single and not any(one.unique for one in single):
        _followed(mixed, [one.name for one in single], retained=not hidden)
    for at in range(draw(st.integers(0, 5))):
        name, where = f"made_{at}", mixed.of(None, None, None, "n > 1", "s = 'a'")
        mixed.of(_cumulative, _cumulative, _cumulative, _moved, _arithmetic, _shared)(mixed, name, where)
    if Grain.HOUR not in grains and key and mixed.of(True, False, False):
        plain = [at for at, one in enumerate(mixed.made) if one.type not in ("retention", "top")]
        for at in {mixed.of(*plain) for _ in range(draw(st.integers(1, 3)))}:
            filled = Fill(mixed.of(0, 7, None), mixed.of(*LENGTHS))
            mixed.made[at] = replace(mixed.made[at], fill=filled)
    return tuple(mixed.made)


def _aggregate(mixed: Mixed, source: Source, name: str) -> None:
    kind = mixed.of(*TYPES, "last", "last", "count_distinct")
    counts = None if source.unwind is None else mixed.of("document", "element")
    text = kind in ("count_distinct", "top") and mixed.of(True, False)
    expr: str | None = ("item.tag" if text else "item.k") if counts == "element" else "who" if text else "n"
    keys: dict[str, Any] = {}
    if kind in ("first", "last"):
        if source.unwind is not None:
            return
        keys["per"] = mixed.of((), (), ("who",), ("who", "s"))
        keys["carry"] = None if source.unique else mixed.of(*CARRIES)
        if isinstance(keys["carry"], Period) and Grain.HOUR in mixed.grains:
            keys["carry"] = "always"  # an hour's begins at the same hour, which the walk does not know
    elif kind == "top":
        keys["k"] = mixed.of(1, 2, 3)
    elif kind == "percentile":
        keys["p"] = mixed.of("0.5", "0.9", "0.25")
    elif kind == "count" and mixed.of(True, False):
        expr = None
    elif kind == "count_distinct" and source.unwind is None and mixed.of(True, False, False):
        keys["having"] = f"{source.name}_all >= 2"
    if kind != "top" and mixed.of(True, False, False, False):
        keys |= {"has_empty": True, "empty": mixed.of(None, 0, -1)}
    where = mixed.of(None, None, "n > 1", "s = 'a'", *(["item.k > 1"] if counts == "element" else []))
    metric = Metric(name, kind, source.name, expr=expr, where=where, counts=counts, **keys)
    shared = kind in ("count", "sum", "count_distinct") or metric.per
    lists = [
        *([mixed.runs] if metric.carry is None and kind != "top" else []),
        *([mixed.parts] if shared else []),
        *([mixed.numbers] if kind != "top" else []),
    ]
    mixed.add(metric, *lists)


def _followed(mixed: Mixed, names: list[str], *, retained: bool) -> None:
    """Conversions within or between sources, and cohorts of one."""
    if mixed.of(True, False):
        base = Events(mixed.of(*names), mixed.of(None, "n > 1"))
        later = Events(mixed.of(*names), mixed.of("n <= 2", "s = 'a'"))
        keys: dict[str, Any] = {
            "base": base,
            "conversion": later,
            "entity": "who",
            "window": mixed.of(*WITHIN),
        }
        for kind in ("rate", "count"):
            where = mixed.of(None, None, "n > 1")
            metric = Metric(f"conv_{kind}", "conversion", measured_as=kind, where=where, **keys)
            mixed.add(metric, mixed.runs, mixed.runs, mixed.numbers)
        mixed.parts.append("conv_count")
    if retained and mixed.coarse and mixed.of(True, False, False):
        grain, where = mixed.of(*mixed.coarse), mixed.of(None, "n > 1")
        keys = {"entity": "who", "period": grain, "periods": mixed.of(1, 2, 3), "grains": (grain,)}
        mixed.add(Metric("back", "retention", mixed.of(*names), where=where, **keys))


def _cumulative(mixed: Mixed, name: str, where: str | None) -> None:
    inner, agg = mixed.of(*mixed.runs), mixed.of(None, None, None, "first", "last", "average", "min", "max")
    if not mixed.coarse or (agg in DAILY and inner in mixed.shares):
        return
    reaches = [{"window": one} for one in WINDOWS] + [{"to_date": one} for one in TO_DATE] + [{}, {}, {}]
    keys: dict[str, Any] = {"period_agg": agg, "grains": mixed.coarse, **mixed.of(*reaches)}
    shared = inner in mixed.parts and agg not in DAILY
    metric = Metric(name, "cumulative", metric=inner, where=where, **keys)
    mixed.add(metric, mixed.numbers, *([mixed.parts] if shared else []))


def _moved(mixed: Mixed, name: str, where: str | None) -> None:
    by, inner, now = mixed.of(*OFFSETS), mixed.of(*mixed.numbers), mixed.of(*mixed.numbers)
    among = mixed.grains_of(inner, now, among=mixed.coarse)
    grains = tuple(one for one in among if fits(one, -by.n, Grain(by.unit)))
    if not grains:
        return
    empty = {"has_empty": True, "empty": 0} if mixed.of(True, False, False) else {}
    inputs = (Input(inner, "before", mixed.of(None, "n > 1"), by),)
    keys: dict[str, Any] = {"expr": f"{now} - before", "inputs": inputs, "grains": grains, **empty}
    mixed.add(Metric(name, "derived", where=where, **keys), mixed.numbers)


def _arithmetic(mixed: Mixed, name: str, where: str | None) -> None:
    kind = mixed.of("derived", "ratio")
    pool = mixed.numbers if kind == "derived" else [one for one in mixed.numbers if one in mixed.runs]
    a, b = mixed.of(*pool), mixed.of(*pool)
    grains = mixed.grains_of(a, b)
    if not grains or (a == b and kind == "ratio"):
        return
    keys: dict[str, Any] = {"expr": f"{a} - {b}"} if kind == "derived" else {"numerator": a, "denominator": b}
    lists = [mixed.numbers, *([mixed.runs] if a in mixed.runs and b in mixed.runs else [])]
    lists += [mixed.shares] if a in mixed.shares or b in mixed.shares else []
    own = None if grains == mixed.grains else grains
    mixed.add(Metric(name, kind, where=where, grains=own, **keys), *lists)


def _shared(mixed: Mixed, name: str, where: str | None) -> None:
    if not mixed.key:
        return
    inner = mixed.of(*mixed.parts)
    of = tuple(mixed.draw(st.lists(st.sampled_from(mixed.key), unique=True, max_size=len(mixed.key))))
    grains = next(one.grains for one in mixed.made if one.name == inner)
    runs = [mixed.runs] if grains is None and inner in mixed.runs else []
    metric = Metric(name, "share", metric=inner, of=of, grains=grains, where=where)
    mixed.add(metric, mixed.numbers, mixed.shares, *runs)


@st.composite
def sources(draw: Draw, dimensions: tuple[str, ...]) -> tuple[Source, ...]:
    """One source or two, of the same dimensions by other fields; the second may be of arrays."""
    made = []
    for name in ("visits", "orders")[: draw(st.sampled_from([1, 2, 2]))]:
        taken = name == "orders" and draw(st.integers(0, 2)) == 0
        strict = draw(st.sampled_from(["nullify", "nullify", "quarantine"]))
        fields = [Field("who", "string"), Field("n", "integer", strict), Field("s", "string")]
        fields += [Field("teacher", "integer"), Field("region", "integer"), Field(LABEL[name], "string")]
        if taken:
            fields += [Field("item.k", "integer"), Field("item.tag", "string")]
        course = "course" if name == "visits" else "lower(c2)"
        own = tuple(Dimension(one, course if one == "course" else None) for one in dimensions)
        wheres = [None, None, "n <= 2", *(["item.k > 1"] if taken else [])]
        made.append(
            Source(
                name=name,
                collection=name,
                time=Time("at", draw(st.sampled_from(["date", "date", "iso", "epoch_ms"]))),
                connection=draw(st.sampled_from(["source", "source", "target"])),
                unique=draw(st.sampled_from([(), (), (), ("who", "s")])),
                unwind=Unwind("items", "item", draw(st.booleans())) if taken else None,
                where=draw(st.sampled_from(wheres)),
                fields=tuple(fields),
                dimensions=own,
                incremental=draw(st.booleans()),
                max_untimed=1.0,
            )
        )
    return tuple(made)


@dataclass(frozen=True)
class History:
    """A case, the subject that is deployed after it, what was there before, and pieces of its days.

    With ``updated`` documents say when they changed, and a run by the schedule finds those that came late.
    """

    case: Case
    after: Subject
    before: Held
    pieces: Pieces
    updated: bool


@st.composite
def histories(draw: Draw) -> History:
    """A random history."""
    day, tz = draw(st.sampled_from(DAYS)), draw(st.sampled_from(ZONES))
    zone = ZoneInfo(tz)
    grains = tuple(draw(st.lists(st.sampled_from(ORDER), min_size=1, max_size=3, unique=True)))
    key = tuple(draw(st.lists(st.sampled_from(["course", "region"]), max_size=2, unique=True)))
    hidden, valid, updated = draw(st.booleans()), draw(st.booleans()), draw(st.integers(0, 2)) == 0
    given = draw(sources((*key, *(["teacher"] if hidden else []))))
    if updated:
        given = tuple(replace(one, updated=Time("changed")) for one in given)
    start = day - timedelta(days=draw(st.sampled_from([0, 2, 40, 400])))
    row_key = (*key, *(["country"] if hidden else []))
    subject = Subject(
        project="test",
        domain="diff",
        name="together",
        version=1,
        timezone=tz,
        start=start.isoformat(),
        sources=given,
        metrics=draw(metrics(given, grains, row_key, hidden)),
        target=Target("together", max_removed=1.0),
        dimensions=tuple(draw(st.permutations(_dimensions(draw, key, hidden, valid)))),
        grains=grains,
        week_start=draw(st.sampled_from(WEEKDAYS)),
        fiscal=draw(fiscals),
    )
    wheres = st.sampled_from([None, "n > 1"])
    after = replace(
        subject,
        metrics=draw(st.one_of(st.just(subject.metrics), metrics(given, grains, row_key, hidden))),
        sources=tuple(replace(one, where=draw(wheres), incremental=draw(st.booleans())) for one in given),
    )
    first, last = max(start, day - timedelta(days=2)), day + timedelta(days=draw(st.integers(1, 4)))
    end = datetime(last.year, last.month, last.day, tzinfo=zone).astimezone(timezone.utc)
    # What changed longer ago than runs catch up waits for a backfill, so with `updated` nothing does.
    as_of = end + draw(st.sampled_from([timedelta(hours=-7), timedelta(days=2), timedelta(days=20)]))
    as_of += timedelta(days=0 if updated else draw(st.sampled_from([0, 380])))
    held: Held = _looked_up(draw, day, valid) if hidden else {}
    before: Held = dict(held)
    seed = draw(st.integers(0, 2**16))
    for source in given:
        numbers = draw(st.lists(st.integers(0, 99), unique=True, max_size=22))
        some = [document(seed, source, one, tz, day) for one in numbers]
        gone = [] if updated else [document(seed + 1, source, 1000, tz, day)]
        late = [one["_id"] for one in some if _inside(one, source, zone, first, last) and draw(st.booleans())]
        for one in some:
            one["changed"] = (
                as_of + timedelta(minutes=5) if one["_id"] in late else as_of - timedelta(days=30)
            )
        held[source.name] = some
        before[source.name] = [one for one in some if one["_id"] not in late]
        before[source.name] += [one for one in gone if _inside(one, source, zone, first, last)]
    cuts = sorted(draw(st.sets(st.integers(1, max(1, (last - first).days - 1)), max_size=2)))
    edges = sorted({first, *(min(first + timedelta(days=one), last) for one in cuts), last})
    pieces = draw(st.permutations(list(itertools.pairwise(edges))))
    return History(Case(subject, held, (first, last), as_of), after, before, pieces, updated)


def _dimensions(draw: Draw, key: tuple[str, ...], hidden: bool, valid: bool) -> list[Dimension]:
    made = [Dimension(one) for one in key]
    if hidden:
        held = Valid("since", "until") if valid else None
        lookup = Lookup("teachers", "teacher", "no", "country", "source", held)
        made.append(Dimension("country", lookup=lookup))
        if draw(st.booleans()):
            chained = Lookup("countries", "country", "_id", "continent", "source")
            made.append(Dimension("continent", lookup=chained))
    return made


def _looked_up(draw: Draw, day: date, valid: bool) -> Held:
    """Teachers who may move, and the countries that they are in."""
    teachers = []
    for no in (1, 2, 3, 4):
        moves = sorted(draw(st.sets(st.integers(-5, 8), max_size=2))) if valid else []
        edges = [None, *((day + timedelta(days=one)).isoformat() for one in moves), None]
        for since, until in itertools.pairwise(edges):
            country = draw(st.sampled_from(["GB", "FR", None]))
            teachers.append({"no": no, "country": country, "since": since, "until": until})
    countries = [{"_id": "GB", "continent": "Europe"}, {"_id": "x", "continent": 5}]
    return {"teachers": teachers, "countries": countries}


def _inside(one: Document, source: Source, zone: ZoneInfo, first: date, last: date) -> bool:
    at = times.instant(one["at"], source.time.kind)
    return at is not None and first <= at.astimezone(zone).date() < last


def document(seed: int, source: Source, number: int, tz: str, day: date) -> Document:
    """The document of a number: values that are absent, null or of another type at times."""
    rng = random.Random(f"{seed}:{source.name}:{number}")
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(tz)).astimezone(timezone.utc)
    at = midnight + timedelta(hours=rng.choice(HOURS), minutes=rng.choice([0, 0, 30]))
    nan, whole = float("nan"), Decimal128("1")
    items = [
        {"k": rng.choice([0, 1, 2, 3, None, "q"]), "tag": rng.choice(["p", "q", None])}
        for _ in range(rng.randint(1, 3))
    ]
    made: Document = {
        "_id": number,
        "at": times.stored(rng, at, source.time.kind, number),
        "who": rng.choice(["ann", "bob", "cem", "ann", None, 7]),
        "n": rng.choice([None, 0, 1, 2, 3, 2.0, Int64(1), "x", nan, whole]),
        "s": rng.choice(["a", "b", None]),
        "teacher": rng.choice([1, 2.0, Int64(3), 4, 9, None, nan, "1"]),
        "region": rng.choice([1, 1.0, Int64(1), -0.0, 0, None, "1", True, whole, float("inf"), 2.5]),
        LABEL[source.name]: rng.choice(["a", "b|", "", None, "\\N", 5, "A"]),
        "items": rng.choice([None, [], 5, [4, {"k": 2}], items, items, items, items]),
    }
    if rng.random() < 0.2:
        made.pop(rng.choice(["who", "n", "s", "teacher", "region", LABEL[source.name]]))
    if rng.random() < 0.04:
        made["at"] = times.junk(rng, source.time.kind)
    return made
