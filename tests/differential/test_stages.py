"""Rows that the compiler's stages compute on a real server equal DuckDB's over the same documents."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import OperationFailure

from dashpipe.compile import PASSES, canonical, compile_subject, emit, partition
from dashpipe.compile.plan import Plan
from dashpipe.run import encode
from dashpipe.spec import nesting
from dashpipe.spec.model import Grain
from tests.differential import documents as docs
from tests.differential import oracle, reading, stages, subjects, times
from tests.differential.compare import differences, same
from tests.differential.documents import Document
from tests.differential.subjects import TYPES, Case, cases

pytestmark = pytest.mark.differential

#: Pairs of grains in which one is merged from the other without hundreds of partitions.
ROLLS = tuple(
    (coarse, fine)
    for coarse, fines in nesting.NESTS.items()
    for fine in fines
    if fine is not Grain.HOUR or coarse in (Grain.DAY, Grain.WEEK)
)


@pytest.fixture(scope="module")
def scratch(mongo: MongoClient[Document]) -> Iterator[Database[Document]]:
    """One database for all cases: each leaves it empty."""
    name = f"differential_{os.getpid()}"
    yield mongo[name]
    mongo.drop_database(name)


def truth(case: Case) -> oracle.Oracle:
    """The oracle of a case."""
    return oracle.Oracle(case.subject, case.documents, case.names, TYPES)


def check(expected: oracle.Expected, rows: list[Document]) -> None:
    """Rows are as expected, and exactly those with a forbidden zero say so."""
    said = differences(expected.rows, rows)
    assert not said, said[:6]
    assert {one["_id"] for one in rows if "_problems" in one} == expected.refused


@given(case=cases(), off=st.one_of(st.sampled_from([(one,) for one in PASSES]), st.just(tuple(PASSES))))
def test_rows_equal_duckdb(scratch: Database[Document], case: Case, off: tuple[str, ...]) -> None:
    """Every row equals the oracle's, with all passes and with one or all of them switched off."""
    with truth(case) as truths, stages.loaded(scratch, case):
        plans = [compile_subject(case.subject, without) for without in ((), off)]
        for grain in case.subject.grains:
            wanted = truths.rows(grain, case.days, case.as_of)
            for plan in plans:
                found, why = _computed(scratch, plan, case, grain)
                if why:  # the contract: a whole number beyond 64 bits fails the run
                    assert "a whole number leaves 64 bits" in why
                    assert any(_wide(value) for row in wanted.rows.values() for value in row.values())
                else:
                    check(wanted, found)


def _computed(
    scratch: Database[Document], plan: Plan, case: Case, grain: Grain
) -> tuple[list[Document], str]:
    """The rows, or why the server refused them."""
    try:
        return stages.computed(scratch, plan, case, grain), ""
    except OperationFailure as error:
        return [], str(error)


def _wide(value: Any) -> bool:
    """Whether a number does not fit 64 bits; the oracle multiplies whole ones as doubles."""
    return isinstance(value, (int, float)) and not -(2**63) <= value < 2**63


@given(case=st.sampled_from(ROLLS).flatmap(lambda pair: st.tuples(st.just(pair), cases(grains=pair))))
def test_merged_from_states_equals_duckdb(
    scratch: Database[Document], case: tuple[tuple[Grain, Grain], Case]
) -> None:
    """A grain merged from staged and published states of a finer one equals the oracle, states and all."""
    (coarse, fine), one = case
    plan = compile_subject(one.subject)
    if coarse not in one.subject.grains or fine not in one.subject.grains:
        assert plan.rollups == ()
        return
    with truth(one) as truths, stages.loaded(scratch, one):
        rolled = stages.computed(scratch, plan, one, coarse, fine)
        check(truths.rows(coarse, one.days, one.as_of), rolled)
        direct = {row["_id"]: row["_state"] for row in stages.computed(scratch, plan, one, coarse)}
        for row in rolled:
            assert row["_state"].keys() == direct[row["_id"]].keys()
            assert all(_alike(value, direct[row["_id"]][leaf]) for leaf, value in row["_state"].items())


def _alike(mine: Any, theirs: Any) -> bool:
    """Whether two states are equal; a state's numeric type is the server's business."""
    if isinstance(mine, dict) and isinstance(theirs, dict):
        return mine.keys() == theirs.keys() and all(_alike(one, theirs[key]) for key, one in mine.items())
    if isinstance(mine, (int, float)) and isinstance(theirs, (int, float)):
        return same(float(mine), float(theirs))
    plain = [one.to_decimal() if isinstance(one, docs.Decimal128) else one for one in (mine, theirs)]
    return bool(plain[0] == plain[1])


@given(case=cases())
def test_types_are_counted(scratch: Database[Document], case: Case) -> None:
    """Of each day: what every field's values are, and decimals met by an inferred number; and the untimed."""
    plan = compile_subject(case.subject)
    with stages.loaded(scratch, case):
        for source in plan.sources:
            documents = case.documents[case.names[source.name]]
            time = source.source.time
            moments = [times.instant(reading.reach(one, time.field), time.kind) for one in documents]
            dated = [(one, at) for one, at in zip(documents, moments) if at is not None]
            filtered = encode.to_bson(emit.untimed(plan, source.name))
            assert scratch[case.names[source.name]].count_documents(filtered) == len(documents) - len(dated)
            zone = partition.zone(case.subject.timezone)
            inside: dict[str, list[Document]] = {}
            for one, at in dated:
                day = at.astimezone(zone).date()
                if case.days[0] <= day < case.days[1]:
                    inside.setdefault(day.isoformat(), []).append(one)
            labels = stages.labels(plan, Grain.DAY, case.days)
            scans = emit.types_scans(plan, source.name, Grain.DAY, labels, most=2)
            found = stages.counted(scratch, case.names[source.name], scans)
            assert {one["_id"]: one["n"] for one in found} == {day: len(some) for day, some in inside.items()}
            declared = {one.path for one in source.source.fields}
            for at, (path, type_) in enumerate(source.types):
                assert type_.value == docs.FIELDS[path]
                for counted in found:
                    day = inside[counted["_id"]]
                    wanted = reading.kinds(day, path, docs.FIELDS[path])
                    assert [counted.get(f"{letter}{at}", 0) for letter in "azmf"] == list(wanted.values()), (
                        path
                    )
                    assert (f"d{at}" in counted) is (type_.value == "number" and path not in declared)
                    if f"d{at}" in counted:
                        decimals = [
                            one for one in day if isinstance(reading.reach(one, path), docs.Decimal128)
                        ]
                        assert counted[f"d{at}"] == len(decimals)


@given(case=cases(most=0))
def test_what_does_not_merge_is_never_merged(case: Case) -> None:
    """A grain of distinct counts, percentiles, lists or newest documents is not merged; others may be."""
    plan = compile_subject(case.subject)
    for source in plan.sources:
        for grain in plan.grains:
            needed = [leaf.kind for leaf in source.leaves_at(grain)]
            rolled = plan.rollup(source.name, grain)
            odd = {"distinct", "set", "having", "discrete", "continuous", "top"}
            if odd & set(needed) or source.unique:
                assert rolled is None
            elif rolled is None:
                finer = nesting.finer(grain, plan.grains)
                wanted = {leaf.id for leaf in source.leaves_at(grain)}
                assert not any(wanted <= {leaf.id for leaf in source.leaves_at(one)} for one in finer)


@given(case=cases(most=0))
def test_stages_keep_the_emission_rules(case: Case) -> None:
    """Literal time range on the raw field first, one group right behind the filters, nothing forbidden."""
    plan = compile_subject(case.subject)
    for source in plan.sources:
        for grain in plan.grains:
            labels = stages.labels(plan, grain, case.days)
            for pipeline in emit.scan(plan, grain, source.name, labels, emit.Ref("db", "parts")):
                emit.verify(pipeline)
                names = [next(iter(one)) for one in pipeline]
                if source.unique:  # which documents count is decided before they are filtered
                    assert names[:4] == ["$match", "$match", "$group", "$replaceWith"]
                    del names[:4]
                    assert names[: names.index("$group")] in ([], ["$match"], ["$match", "$match"])
                else:  # the range, what else is asked of the time, filters in query form, expressions
                    filters = names[: names.index("$group")]
                    assert set(filters) == {"$match"}
                    assert 2 <= len(filters) <= 4
                text, time = canonical.to_text(pipeline[0]), source.source.time
                assert pipeline[0]["$match"].keys() in ({time.field}, {"$or"})  # nothing beside the range
                assert f'"{time.field}":{{"$gte":' in text
                if time.kind == "date":
                    start, end = partition.bounds(grain, labels[0], case.subject.calendar)
                    assert f'"{time.field}":{{"$gte":{canonical.to_text(start)}' in text
                    assert len(labels) > 1 or f'"$lt":{canonical.to_text(end)}' in text
                said = canonical.to_text(pipeline)
                assert '"$unwind"' not in said
                kinds = {leaf.kind for one in source.aggregates for leaf in one.leaves}
                assert '"$addToSet"' not in said or "set" in kinds
                if '"$push"' in said:  # only the first few values of a list
                    assert {"$match", "$sort"} <= set(names)
                    assert said.count('"$push":{"value":"$_id.v","n":"$n"}') == said.count('"$push"') == 1


def test_stages_are_the_same_bytes_in_every_process() -> None:
    """Processes with different hash seeds emit the same text for the same subjects and days."""
    made: list[Case] = []

    @settings(max_examples=min(settings().max_examples, 40))
    @given(case=cases(most=0))
    def collect(case: Case) -> None:
        made.append(case)

    collect()
    mine = "\n".join(stages.text(one) for one in made)
    code = "import pickle, sys; from tests.differential import stages; "
    code += "sys.stdout.write('\\n'.join(stages.text(one) for one in pickle.load(sys.stdin.buffer)))"
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            input=pickle.dumps(made),
            capture_output=True,
            check=True,
            cwd=Path(subjects.__file__).parents[2],
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        assert done.stdout.decode() == mine
