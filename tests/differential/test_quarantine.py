"""Documents in quarantine take no part: rows equal those of DuckDB, or Python, over all other documents."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo import MongoClient
from pymongo.database import Database

from dashpipe.compile import PASSES, compile_subject, emit, partition
from dashpipe.run import encode
from dashpipe.spec.model import Field, Grain, Source
from tests.differential import documents as docs
from tests.differential import oracle, stages, test_unwind, times
from tests.differential.compare import differences
from tests.differential.documents import Document
from tests.differential.reading import reach, read
from tests.differential.subjects import TYPES, Case, cases

pytestmark = pytest.mark.differential

#: What a document in quarantine is left out of is tested elsewhere, with all examples.
FEW = max(4, settings().max_examples // 8)

OFF = st.one_of(st.just(()), st.sampled_from([(one,) for one in PASSES]), st.just(tuple(PASSES)))


@pytest.fixture(scope="module")
def scratch(mongo: MongoClient[Document]) -> Iterator[Database[Document]]:
    """One database for all cases: each leaves it empty."""
    name = f"quarantine_{os.getpid()}"
    yield mongo[name]
    mongo.drop_database(name)


def strict(source: Source, paths: list[str], types: dict[str, str]) -> Source:
    """A source of which some fields send their documents into quarantine."""
    others = tuple(one for one in source.fields if one.path not in paths)
    return replace(source, fields=(*others, *(Field(one, types[one], "quarantine") for one in paths)))


def wrong(document: Document, paths: list[str]) -> bool:
    """Whether a document is mistyped at one of some paths."""
    return any(read(reach(document, path), docs.FIELDS[path])[1] for path in paths)


@st.composite
def split(draw: st.DrawFn) -> tuple[Case, Case, list[str]]:
    """A case whose sources have strict fields, and the same without these and their wrong documents."""
    case = draw(cases())
    paths = draw(st.lists(st.sampled_from(sorted(docs.FIELDS)), min_size=1, max_size=3, unique=True))
    declared = tuple(strict(one, paths, docs.FIELDS) for one in case.subject.sources)
    plain = tuple(
        replace(one, fields=tuple(replace(field, on_type_error="nullify") for field in one.fields))
        for one in declared
    )
    read_by = {case.names[one.name] for one in declared}
    kept = {
        name: [one for one in some if name not in read_by or not wrong(one, paths)]
        for name, some in case.documents.items()
    }
    return (
        replace(case, subject=replace(case.subject, sources=declared)),
        replace(case, subject=replace(case.subject, sources=plain), documents=kept),
        paths,
    )


@settings(max_examples=FEW)
@given(drawn=split(), off=OFF)
def test_rows_equal_duckdb_over_the_other_documents(
    scratch: Database[Document], drawn: tuple[Case, Case, list[str]], off: tuple[str, ...]
) -> None:
    """Metrics, keys and rows are as if the wrong documents were not there, whatever the passes."""
    case, others, _ = drawn
    plan = compile_subject(case.subject, off)
    with oracle.Oracle(others.subject, others.documents, case.names, TYPES) as truth:
        wanted = {grain: truth.rows(grain, case.days, case.as_of) for grain in case.subject.grains}
    with stages.loaded(scratch, case):
        for grain, expected in wanted.items():
            rows = stages.computed(scratch, plan, case, grain)
            said = differences(expected.rows, rows)
            assert not said, said[:6]
            assert {one["_id"] for one in rows if "_problems" in one} == expected.refused


@settings(max_examples=FEW)
@given(drawn=split())
def test_each_wrong_document_is_found_with_what_is_wrong(
    scratch: Database[Document], drawn: tuple[Case, Case, list[str]]
) -> None:
    """Of the days asked for, every wrong document once, with its day and exactly its wrong fields."""
    case, _, paths = drawn
    plan = compile_subject(case.subject)
    zone = partition.zone(case.subject.timezone)
    with stages.loaded(scratch, case):
        for source in plan.sources:
            time = source.source.time
            wanted = {}
            for one in case.documents[case.names[source.name]]:
                moment = times.instant(reach(one, time.field), time.kind)
                day = None if moment is None else moment.astimezone(zone).date()
                fields = {path for path in paths if read(reach(one, path), docs.FIELDS[path])[1]}
                if day is not None and case.days[0] <= day < case.days[1] and fields:
                    wanted[one["_id"]] = (day.isoformat(), fields)
            labels = stages.labels(plan, Grain.DAY, case.days)
            spans = partition.ranges(Grain.DAY, labels, case.subject.calendar)
            found = stages.run(
                scratch,
                case.names[source.name],
                encode.to_bson(emit.quarantined(plan, source.name, Grain.DAY, spans)),
            )
            assert len(found) == len(wanted)
            got = {one["_id"]: (one["p"], {each["field"] for each in one["f"]}) for one in found}
            assert got == wanted


UNWOUND = st.lists(st.sampled_from(["item.sku", "item.n", "total", "buyer"]), min_size=1, unique=True)


@settings(max_examples=FEW)
@given(case=test_unwind.cases(), paths=UNWOUND, off=OFF)
def test_one_wrong_element_leaves_the_document_out(
    scratch: Database[Document], case: Case, paths: list[str], off: tuple[str, ...]
) -> None:
    """A document with a wrong element counts neither as document nor by its other elements."""
    (source,) = case.subject.sources
    assert source.unwind is not None
    kept = []
    for one in case.documents["orders_raw"]:
        # What is no element of an array is none at all: `_units` gives those that there are.
        units = test_unwind._units(one, source.unwind)
        values = [
            (reach({**one, "item": unit.element}, path), test_unwind.TYPES[path])
            for path in paths
            for unit in (units if path.startswith("item.") else [test_unwind.Unit(one, None, False)])
        ]
        if not any(read(value, type_)[1] for value, type_ in values):
            kept.append(one)
    declared = strict(source, paths, test_unwind.TYPES)
    subject = replace(case.subject, sources=(declared,))
    wanted = replace(case, documents={"orders_raw": kept})
    plan = compile_subject(subject, off)
    with stages.loaded(scratch, case):
        for grain in test_unwind.GRAINS:
            rows = stages.computed(scratch, plan, replace(case, subject=subject), grain)
            said = differences(test_unwind.expected(wanted, grain), rows)
            assert not said, (grain, said[:6])
