"""A resolved subject as JSON and back, and what its fingerprints tell apart."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashpipe.spec.codec import fingerprint, from_json, to_json
from dashpipe.spec.model import (
    AirflowOptions,
    Bounds,
    Check,
    Dimension,
    Env,
    Events,
    Field,
    File,
    Grain,
    Input,
    Lookback,
    Lookup,
    Metric,
    Origin,
    Period,
    Query,
    Schedule,
    Source,
    Subject,
    Target,
    Time,
    Unwind,
)
from tests.spec.projects import subject

WORDS = st.text(max_size=12)
NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
COLLECTIONS = st.one_of(NAMES, st.builds(Env, NAMES, st.none() | NAMES))
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
GRAINS = st.lists(st.sampled_from(Grain), min_size=1, unique=True).map(tuple)
ORIGINS = st.builds(Origin, NAMES)


def lists(of: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    """Tuples of up to three."""
    return st.lists(of, max_size=3).map(tuple)


LOOKUPS = st.builds(Lookup, COLLECTIONS, NAMES, NAMES, NAMES, st.none() | NAMES)
DIMENSIONS = st.builds(Dimension, NAMES, st.none() | WORDS, st.none() | LOOKUPS, WORDS, ORIGINS)
PERIODS = st.none() | st.builds(Period, st.integers(1, 99), st.sampled_from(["day", "month"]))
METRICS = st.builds(
    Metric,
    name=NAMES,
    type=st.sampled_from(["count", "sum", "ratio", "derived"]),
    source=st.none() | NAMES,
    expr=st.none() | WORDS,
    where=st.none() | WORDS,
    numerator=st.none() | NAMES,
    on_zero=st.sampled_from([None, 0, "error"]),
    inputs=lists(st.builds(Input, NAMES, NAMES, st.none() | WORDS, PERIODS, ORIGINS)),
    window=PERIODS,
    of=lists(NAMES),
    per=lists(NAMES),
    period=st.none() | st.sampled_from(Grain),
    periods=st.none() | st.integers(1, 60),
    carry=PERIODS | st.just("always"),
    base=st.none() | st.builds(Events, NAMES, st.none() | WORDS, ORIGINS),
    grains=st.none() | GRAINS,
    empty=st.none() | st.booleans() | st.integers() | NUMBERS | WORDS,
    has_empty=st.booleans(),
    hidden=st.booleans(),
    counts=st.sampled_from([None, "document", "element"]),
    mongo=st.none() | WORDS,
    mongo_type=st.sampled_from([None, "integer"]),
    description=WORDS,
    origin=ORIGINS,
)
TIMES = st.builds(Time, NAMES, st.sampled_from(["date", "iso", "epoch_ms"]))
SOURCES = st.builds(
    Source,
    name=NAMES,
    collection=COLLECTIONS,
    time=TIMES,
    updated=st.none() | TIMES,
    prepare=lists(WORDS),
    unique=lists(WORDS),
    unwind=st.none() | st.builds(Unwind, NAMES, NAMES, st.booleans()),
    file=st.none()
    | st.builds(
        File,
        WORDS,
        st.sampled_from(("csv", "jsonl", "parquet")),
        st.lists(NAMES, max_size=2).map(tuple),
        st.none() | WORDS,
        WORDS,
        WORDS,
        st.lists(WORDS, max_size=2).map(tuple),
        st.floats(0, 1),
    ),
    fields=lists(st.builds(Field, NAMES, st.sampled_from(["string", "integer"]), origin=ORIGINS)),
    dimensions=lists(DIMENSIONS),
    where=st.none() | WORDS,
    max_untimed=NUMBERS,
)
MAYBE = st.none() | NUMBERS
BOUNDS = st.none() | st.builds(Bounds, MAYBE, MAYBE, MAYBE, MAYBE)
CHECKS = st.builds(
    Check,
    id=NAMES,
    type=NAMES,
    field=st.none() | WORDS,
    counts=lists(NAMES),
    keys=lists(NAMES),
    grain=st.none() | st.sampled_from(Grain),
    warn=BOUNDS,
    fail=BOUNDS,
)
SUBJECTS = st.builds(
    Subject,
    project=NAMES,
    domain=NAMES,
    name=NAMES,
    version=st.integers(1, 9),
    timezone=st.just("Asia/Shanghai"),
    start=st.just("2024-01-01"),
    sources=lists(SOURCES),
    metrics=lists(METRICS),
    target=st.builds(Target, COLLECTIONS, queries=lists(st.builds(Query, lists(NAMES), st.none() | NAMES))),
    dimensions=lists(DIMENSIONS),
    grains=GRAINS,
    schedule=st.none() | st.builds(Schedule, st.none() | WORDS, lists(NAMES)),
    lookback=st.none() | st.builds(Lookback, st.integers(1, 9), lists(st.integers(1, 99)), st.booleans()),
    checks=lists(CHECKS),
    tags=lists(WORDS),
    airflow=st.builds(AirflowOptions, pool=st.none() | NAMES, paused=st.booleans()),
    origin=ORIGINS,
)

TEXT = """
description: One row a country and day.
tags: [b, a]
sources: [orders]
dimensions: [country]
grains: [day, month]
metrics:
  - orders
  - revenue
  - {name: large, type: count, where: total > 5, description: Large ones.}
checks:
  - {id: a, type: row_count, fail: {below: 1}}
  - {id: b, type: range, metric: revenue, fail: {below: 0}}
target: {queries: [{equal: [country], range: partition_date}]}
"""


@given(SUBJECTS)
def test_any_subject_comes_back_equal(one: Subject) -> None:
    """Through JSON text and back nothing is lost, and the text is canonical."""
    text = json.dumps(to_json(one))
    again = from_json(json.loads(text))
    assert again == one
    assert json.dumps(to_json(again)) == text
    assert json.dumps(to_json(one), sort_keys=True) == text
    assert fingerprint(again) == fingerprint(one)


def test_places_are_no_part_of_it(tmp_path: Path) -> None:
    """Where something stands in a file is not in the JSON form."""
    found = subject(tmp_path, TEXT)
    assert "origin" not in json.dumps(to_json(found))
    assert "metrics/sales" not in json.dumps(to_json(found))


@pytest.mark.parametrize(
    "change",
    [
        {"extra": 1},
        {"version": None, "-": "version"},
        {"grains": ["fortnight"]},
        {"sources": [{"name": "x"}]},
    ],
)
def test_another_form_is_refused(change: dict[str, Any], tmp_path: Path) -> None:
    """A document with a key too many or too few, or a word that there is not, is no subject."""
    document = to_json(subject(tmp_path, TEXT))
    gone = change.pop("-", None)
    document |= change
    document.pop(gone, None)
    with pytest.raises(ValueError, match="no subject of this version"):
        from_json(document)


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("[b, a]", "[a, b]", set()),
        ("[day, month]", "[day, month]  # a comment", set()),
        ("- orders\n  - revenue", "- revenue\n  - orders", set()),
        ("tags: [b, a]", "tags: [c]", {"meta"}),
        ("Large ones.", "Those above five.", {"meta"}),
        ("range: partition_date", "range: revenue", {"meta"}),
        ("One row a", "A row a", {"meta"}),
        ("total > 5", "total > 6", {"data"}),
        ("[day, month]", "[day]", {"data"}),
        ("[day, month]", "[month, day]", {"checks"}),
        ("below: 0", "below: 1", {"checks"}),
        ("- revenue", "- basket", {"data"}),
    ],
)
def test_fingerprint_tells_what_changed(old: str, new: str, parts: set[str], tmp_path: Path) -> None:
    """Each part of the fingerprint changes with what it is of, and the order of things changes none."""
    before = fingerprint(subject(tmp_path / "a", TEXT))
    after = fingerprint(subject(tmp_path / "b", TEXT.replace(old, new)))
    assert {name for name in before if before[name] != after[name]} == parts


def test_schedule_is_meta(tmp_path: Path) -> None:
    """When a subject runs says nothing about its numbers."""
    found = subject(tmp_path, TEXT)
    other = replace(found, schedule=Schedule("@daily"), lookback=Lookback(7), owner="someone else")
    one, two = fingerprint(found), fingerprint(other)
    assert {name for name in one if one[name] != two[name]} == {"meta"}
