"""Published rows of whole runs equal DuckDB's, on one cluster and on two, whatever was run before."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashpipe.run.errors import RunError
from dashpipe.spec.model import WEEKDAYS, Grain, Metric, Subject
from tests.differential import documents as docs
from tests.differential import oracle, runs
from tests.differential.compare import differences
from tests.differential.subjects import TYPES, Case, cases, conditions
from tests.run.world import World

pytestmark = pytest.mark.differential

#: A whole run costs fifty times what its stages do.
FEW = max(2, settings().max_examples // 5)
#: And these need several runs each.
FEWER = max(2, FEW // 2)


class Worlds(dict[str, World]):
    """A world for each route."""

    def __repr__(self) -> str:
        """Without what their runs have logged."""
        return f"Worlds({', '.join(self)})"


@pytest.fixture(scope="module")
def worlds(mongo_uri: str, second_uri: str) -> Iterator[Worlds]:
    """A world for each route, shared by all cases: each leaves it empty."""
    with ExitStack() as stack:
        others = {"server": None, "cursor": second_uri}
        name = f"runs_{os.getpid()}"
        yield Worlds(
            (route, stack.enter_context(runs.opened(mongo_uri, f"{name}_{route}", other)))
            for route, other in others.items()
        )


routes = st.sampled_from(["server", "cursor"])


@st.composite
def whole_cases(draw: st.DrawFn, **options: Any) -> Case:
    """A case of whole runs: some sources keep distinct values, some rows are by looked-up values."""
    case = draw(cases(most=40, hiding=True, **options))
    sources = tuple(replace(one, incremental=draw(st.booleans())) for one in case.subject.sources)
    return replace(case, subject=replace(case.subject, sources=sources))


def expected(case: Case, subject: Subject, grain: Grain, days: tuple[date, date]) -> oracle.Expected:
    """What the rows of a grain must be."""
    with oracle.Oracle(subject, case.documents, case.names, TYPES) as truths:
        return truths.rows(grain, days, case.as_of, begun=True)


def check(
    world: World, case: Case, subject: Subject | None = None, days: tuple[date, date] | None = None
) -> None:
    """The published rows of every grain are exactly those of the days."""
    one = subject or case.subject
    for grain in one.grains:
        wanted = expected(case, one, grain, days or case.days)
        said = differences(wanted.rows, runs.published(world, one, grain))
        assert not said, (grain, said[:6])


def harmless(subject: Subject) -> Subject:
    """The subject without denominators that must not be zero and sets that are bounded: its runs end."""
    metrics = []
    for one in subject.metrics:
        on_zero = None if one.on_zero == "error" else one.on_zero
        metrics.append(replace(one, on_zero=on_zero, cardinality_at_most=None))
    return replace(subject, metrics=tuple(metrics))


@settings(max_examples=FEW)
@given(case=whole_cases(), route=routes)
def test_published_rows_equal_duckdb(worlds: Worlds, case: Case, route: str) -> None:
    """A run publishes the oracle's rows, or nothing where one has a forbidden zero or too many values."""
    world = worlds[route]
    refused = {grain: expected(case, case.subject, grain, case.days).refused for grain in case.subject.grains}
    with runs.loaded(world, case.documents):
        if any(refused.values()):
            with pytest.raises(RunError, match=r"denominator is 0|and `cardinality_at_most` is"):
                runs.run(world, case)
            assert all(runs.published(world, case.subject, grain) == [] for grain in case.subject.grains)
            return
        receipt = runs.run(world, case)
        assert set(receipt["steps"]["transform"]["routes"].values()) == {route}
        check(world, case)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Case, dict[str, list[docs.Document]], list[tuple[date, date]]]:
    """A case over whole partitions, what its sources held before, and windows that cover its days."""
    grains = draw(
        st.sampled_from(
            [
                (Grain.HOUR, Grain.DAY),
                (Grain.DAY, Grain.WEEK),
                (Grain.DAY, Grain.MONTH),
                (Grain.DAY, Grain.FISCAL_MONTH),
            ]
        )
    )
    case = draw(whole_cases(grains=grains))
    first, last = case.days[0], case.days[1]
    if Grain.WEEK in grains:
        first -= timedelta(days=(first.weekday() - WEEKDAYS.index(case.subject.week_start)) % 7)
        last = first + timedelta(days=7)
    case = replace(case, subject=harmless(case.subject), days=(first, last))
    tz, seed = case.subject.timezone, draw(st.integers(0, 99))
    gone = first + timedelta(days=draw(st.integers(0, (last - first).days - 1)))
    before: dict[str, list[docs.Document]] = {}
    for source in case.subject.sources:
        name = case.names[source.name]
        late = draw(st.sets(st.integers(0, 39)))
        kept = [one for at, one in enumerate(case.documents[name]) if at not in late]
        extra = [
            docs.document(seed, 1000 + at, tz, gone, source.time.field, source.time.kind) for at in range(8)
        ]
        before[name] = [*kept, *extra]
    days = [first + timedelta(days=at) for at in range((last - first).days)]
    widths = draw(st.lists(st.integers(1, 3), min_size=len(days), max_size=len(days)))
    windows = [(one, min(one + timedelta(days=width), last)) for one, width in zip(days, widths)]
    return case, {**case.documents, **before}, draw(st.permutations(windows))


@settings(max_examples=FEWER)
@given(history=histories(), route=routes)
def test_overlapping_windows_in_any_order_converge(
    worlds: Worlds, history: tuple[Case, dict[str, list[docs.Document]], list[tuple[date, date]]], route: str
) -> None:
    """Late, changed and deleted documents: once every day was run again, in any order, the rows are right."""
    case, before, windows = history
    world = worlds[route]
    with runs.loaded(world, before):
        runs.run(world, case)
        check(world, replace(case, documents=before))
        runs.fill(world, case.documents)
        for window in windows:
            if runs.has_begun(case, window):
                runs.run(world, case, days=window)
        check(world, case)


@st.composite
def changes(draw: st.DrawFn) -> tuple[Case, Subject, date]:
    """A case, its subject with a metric added or another `where`, and the day from which that is deployed."""
    grains = draw(
        st.sampled_from([(Grain.HOUR, Grain.DAY), (Grain.DAY, Grain.MONTH), (Grain.DAY, Grain.WEEK)])
    )
    case = draw(whole_cases(grains=grains))
    case = replace(case, subject=harmless(replace(case.subject, grains=grains)))
    subject = case.subject
    at = draw(st.integers(0, len(subject.metrics)))
    if at < len(subject.metrics) and subject.metrics[at].source is not None:
        changed = replace(subject.metrics[at], where=draw(conditions()))
        after = replace(subject, metrics=(*subject.metrics[:at], changed, *subject.metrics[at + 1 :]))
    else:
        added = Metric("added", "sum", source=subject.sources[0].name, expr="qty", where=draw(conditions()))
        after = replace(subject, metrics=(*subject.metrics, added))
    return (
        case,
        after,
        case.days[0] + timedelta(days=draw(st.integers(0, (case.days[1] - case.days[0]).days - 1))),
    )


@settings(max_examples=FEWER)
@given(change=changes(), route=routes)
def test_a_changed_metric_never_mixes_two_truths(
    worlds: Worlds, change: tuple[Case, Subject, date], route: str
) -> None:
    """What is run after a change is the new spec's truth, month and week too; the rest stays as it was."""
    case, after, day = change
    world, window = worlds[route], (day, day + timedelta(days=1))
    with runs.loaded(world, case.documents):
        runs.run(world, case)
        check(world, case)
        if not runs.has_begun(case, window):
            return
        runs.run(world, case, after, window)
        for grain in after.grains:
            old = expected(case, case.subject, grain, case.days)
            new = expected(case, after, grain, window)
            touched = {row["partition_date"] for row in new.rows.values()}
            touched |= {
                row["partition_date"] for row in expected(case, case.subject, grain, window).rows.values()
            }
            kept = {key: row for key, row in old.rows.items() if row["partition_date"] not in touched}
            said = differences({**kept, **new.rows}, runs.published(world, after, grain))
            assert not said, (grain, said[:6])
