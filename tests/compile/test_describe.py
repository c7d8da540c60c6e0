"""What `show` says of a plan: the tree, what the passes did, the stages, the indexes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from dashpipe.compile import PASSES, CompileError, advice, compile_subject, describe, doc, emit
from dashpipe.compile.describe.layout import folded, laid_out
from dashpipe.compile.origins import origin_lines
from dashpipe.spec.model import (
    Dimension,
    Env,
    Field,
    Grain,
    Lookup,
    Metric,
    Query,
    Source,
    Subject,
    Target,
    Time,
)

ORDERS = Source(
    name="orders",
    collection=Env("SHOP_ORDERS", "orders"),
    time=Time("at"),
    where="status = 'paid' AND total > 0 AND n > m",
    fields=(
        Field("status", "string"),
        Field("country", "string"),
        Field("total", "decimal"),
        Field("n", "integer"),
        Field("m", "integer"),
    ),
    dimensions=(Dimension("country"),),
)
VISITS = Source(
    name="visits",
    collection="visits",
    time=Time("seen.at"),
    fields=(Field("land", "string"), Field("who", "object_id")),
    dimensions=(Dimension("country", "land"),),
)
SUBJECT = Subject(
    project="shop",
    domain="dash",
    name="daily",
    version=2,
    timezone="Europe/London",
    start="2024-03-31",
    sources=(ORDERS, VISITS),
    metrics=(
        Metric("orders", "count", "orders"),
        Metric("again", "count", "orders"),
        Metric("revenue", "sum", "orders", "total"),
        Metric("basket", "avg", "orders", "total", where="n > 1"),
        Metric("visitors", "count_distinct", "visits", "who", grains=(Grain.DAY,)),
        Metric("rate", "ratio", numerator="orders", denominator="visitors", grains=(Grain.DAY,)),
        Metric("twice", "derived", expr="2 * revenue", hidden=True),
    ),
    target=Target("daily", queries=(Query(("country",), "partition_date"), Query((), "partition_date"))),
    dimensions=(
        Dimension("country"),
        Dimension("region", lookup=Lookup("lands", "country", "_id", "region")),
    ),
    grains=(Grain.MONTH, Grain.DAY),
)

TREE = """\
Write daily_v2: one row per country, day
  Finalise orders = count(*)
  Finalise again = count(*)
  Finalise revenue = sum(total)
  Finalise basket = sum(total) where n > 1 / count(total) where n > 1
  Finalise visitors = distinct(who)
  Finalise rate = orders / visitors
  Finalise twice = 2 * revenue (hidden)
  Lookup region = lands.region where _id = country
  Join orders, visits by key
    Aggregate orders: count(*), sum(total), sum(total) where n > 1, count(total) where n > 1
      Derive country: string
      Filter status = 'paid' AND total > 0 AND n > m
      Scan $SHOP_ORDERS (default orders) by at
    Aggregate visits: count(*)
    Aggregate visits: distinct(who)
      Derive country: string
      Scan visits by seen.at

Write daily_v2_month: one row per country, month
  Finalise orders = count(*)
  Finalise again = count(*)
  Finalise revenue = sum(total)
  Finalise basket = sum(total) where n > 1 / count(total) where n > 1
  Finalise twice = 2 * revenue (hidden)
  Lookup region = lands.region where _id = country
  Join orders, visits by key
    RollUp orders from states of day, where all are published; else
    Aggregate orders: count(*), sum(total), sum(total) where n > 1, count(total) where n > 1
      Derive country: string
      Filter status = 'paid' AND total > 0 AND n > m
      Scan $SHOP_ORDERS (default orders) by at
    RollUp visits from states of day, where all are published; else
    Aggregate visits: count(*)
      Derive country: string
      Scan visits by seen.at
"""


def test_a_plan_in_words() -> None:
    """The tree names every node of every grain, by the spec's own words."""
    assert "\n".join(describe.plan_lines(compile_subject(SUBJECT))) == TREE


def test_passes_say_what_they_did() -> None:
    """Each pass says what it did, or why it did nothing; one that is switched off says that."""
    assert list(describe.pass_lines(compile_subject(SUBJECT))) == [
        "share: applied — leaves asked for more than once: 2",
        "fuse: applied — 6 scans became 3, of which 1 by value first (distinct counts, percentiles, lists)",
        "push: applied — scans that filter in query form: 1; filters that stay expressions: 1",
        "rollup: applied — month of orders may be merged from day; month of visits may be merged from day",
        "running: not applied — nothing is of all time",
    ]
    off = list(describe.pass_lines(compile_subject(SUBJECT, PASSES)))
    assert off == [f"{name}: not applied — switched off" for name in PASSES]


def test_a_pass_that_is_none_is_refused() -> None:
    """Switching off a pass that does not exist is an error that names those that do."""
    with pytest.raises(ValueError, match="there is no pass fusion; there are share, fuse, push, rollup"):
        compile_subject(SUBJECT, ["fusion"])


def test_indexes() -> None:
    """A source wants its equal filters, then its time; a target one index a query, prefixes left out."""
    shown = [line.split(" — ") for line in describe.index_lines(compile_subject(SUBJECT))]
    scanned = "every scan begins with a range of this time field"
    wanted = [
        (
            "source $SHOP_ORDERS (default orders)",
            "status: 1, at: 1",
            f"{scanned}, after status equal to a constant",
        ),
        ("source visits", "seen.at: 1", scanned),
        ("target daily_v2", "country: 1, partition_date: -1", "the query by country, partition_date"),
        ("target daily_v2", "partition_date: 1", "the query by partition_date"),
        ("target daily_v2_month", "country: 1, partition_date: -1", "the query by country, partition_date"),
        ("target daily_v2_month", "partition_date: 1", "the query by partition_date"),
    ]
    by = {"source": "create it if it is missing", "target": "a run creates it"}
    assert shown == [[f"{where}: {{{of}}}", f"{why}; {by[where.split()[0]]}"] for where, of, why in wanted]
    (days,) = advice.of_target(replace(SUBJECT, target=Target("t")), Grain.DAY)
    assert (days.name, days.why) == ("partition_date_1", "every run reads and replaces whole partitions")
    hours = advice.of_target(replace(SUBJECT, target=Target("t")), Grain.HOUR)
    assert [one.name for one in hours] == ["partition_date_1_partition_hour_1"]


def test_stages_of_a_plan_read_as_json() -> None:
    """Every pipeline is shown with what it does and where it runs, as JSON that a shell takes."""
    plan = compile_subject(SUBJECT)
    labels = describe.sample_labels(plan, Grain.DAY)
    assert labels == ("2024-03-31",)
    shown = describe.stages_of(plan, Grain.DAY, labels)
    assert [(what, where) for what, where, _ in shown] == [
        ("day: parts of orders", "$SHOP_ORDERS (default orders)"),
        ("day: parts of visits", "visits"),
        ("day: parts of visits", "visits"),
        ("day: rows from parts", "staging_parts"),
    ]
    first = json.loads(describe.stages_text(shown[0][2]))[0]["$match"]
    assert first["at"]["$gte"] == {"$date": "2024-03-31T00:00:00.000Z"}
    assert first["at"]["$lt"] == {"$date": "2024-03-31T23:00:00.000Z"}
    one_scan = replace(
        SUBJECT, sources=(ORDERS,), metrics=SUBJECT.metrics[:4], dimensions=SUBJECT.dimensions[:1]
    )
    (whole,) = describe.stages_of(compile_subject(one_scan), Grain.DAY, labels)
    assert whole[:2] == ("day: rows of orders", "$SHOP_ORDERS (default orders)")


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ([], "the first stage is no literal filter"),
        ([{"$group": {"_id": None}}], "the first stage is no literal filter"),
        ([{"$match": {}}, {"$set": {"a": {"$function": {}}}}], r"\$function is never emitted"),
        ([{"$match": {}}, {"$group": {"_id": None, "a": {"$first": "$$ROOT"}}}], "whole documents"),
        ([{"$match": {}}, {"$facet": {}}], r"\$facet is never emitted"),
    ],
)
def test_stages_that_break_a_rule_are_caught(stages: emit.Stages, message: str) -> None:
    """The last look finds what is never emitted."""
    with pytest.raises(AssertionError, match=message):
        emit.verify(stages)


def test_text_that_looks_like_an_operator_is_text() -> None:
    """A literal is no operator, whatever it says."""
    emit.verify([{"$match": {}}, {"$set": {"a": {"$literal": "$$ROOT"}, "b": {"$literal": {"$where": 1}}}}])


@pytest.mark.parametrize(
    ("metrics", "dimensions", "message"),
    [
        ((Metric("a", "derived", expr="b"), Metric("b", "derived", expr="a")), (), "a -> b -> a"),
        ((Metric("a", "ratio", numerator="b", denominator="c"),), (), "there is no metric b"),
        ((Metric("a", "count", "orders"),), (Dimension("city"),), "does not define the dimension city"),
    ],
)
def test_what_does_not_hold_together_is_refused(
    metrics: tuple[Metric, ...], dimensions: tuple[Dimension, ...], message: str
) -> None:
    """A spec that lint refuses does not compile, and the error leads to lint."""
    with pytest.raises(CompileError, match=message) as caught:
        compile_subject(replace(SUBJECT, sources=(ORDERS,), metrics=metrics, dimensions=dimensions))
    assert "`dashpipe lint` shows where" in str(caught.value)


def test_sources_that_differ_in_a_dimension_are_refused() -> None:
    """One dimension has one type."""
    other = replace(VISITS, dimensions=(Dimension("country", "length(land)"),))
    with pytest.raises(CompileError, match="country is string in source orders and integer in source visits"):
        compile_subject(replace(SUBJECT, sources=(ORDERS, other)))


def test_every_kind_of_leaf_is_told() -> None:
    """What a metric is made of says its share, its length and its condition, and how a spread is finished."""
    metrics = (
        Metric("orders", "count", "orders"),
        Metric("slow", "percentile", "orders", "total", p="0.9"),
        Metric("about", "median", "orders", "total", approximate=True),
        Metric("spread", "stddev", "orders", "total"),
        Metric("spread_all", "variance", "orders", "total", population=True),
        Metric("best", "top", "orders", "status", k=3, by="n"),
        Metric("held", "count_distinct", "orders", "status", having="orders >= 2"),
    )
    subject = replace(SUBJECT, sources=(ORDERS,), metrics=metrics, grains=(Grain.DAY,), checks=())
    lines = [one.strip() for one in describe.plan_lines(compile_subject(subject))]
    assert [one for one in lines if one.startswith("Finalise")] == [
        "Finalise orders = count(*)",
        "Finalise slow = discrete(total, p 0.9)",
        "Finalise about = approximate(total, p 0.5)",
        "Finalise spread = stddev_samp from moments(total)",
        "Finalise spread_all = variance_pop from moments(total)",
        "Finalise best = top(status, 3 by n)",
        "Finalise held = having(status, having orders >= 2)",
    ]
    assert "Aggregate orders: count(*), approximate(total, p 0.5), moments(total)" in lines


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        (Metric("m", "percentile", "orders", "total", p="0.9"), "percentile 0.9 of `total` (orders)"),
        (
            Metric("m", "median", "orders", "total", approximate=True),
            "approximate median of `total` (orders)",
        ),
        (Metric("m", "stddev", "orders", "total"), "sample stddev of `total` (orders)"),
        (Metric("m", "top", "orders", "status", k=3, by="n"), "top 3 of `status` by `n` (orders)"),
        (
            Metric("m", "count_distinct", "orders", "who", having="orders >= 2", where="n > 1"),
            "count_distinct of `who` having `orders >= 2` where `n > 1` (orders)",
        ),
    ],
)
def test_a_metric_is_told_in_a_phrase(metric: Metric, said: str) -> None:
    """The DAG's page says of a metric what makes it another number."""
    assert doc.what(metric) == said


def test_what_goes_on_from_what_is_kept_is_told() -> None:
    """Cohorts, and balances that are carried always: by the tree, the passes, the origins, the pipelines."""
    metrics = (
        Metric("orders", "count", "orders"),
        Metric("owed", "last", "orders", expr="total", per=("n",), carry="always", grains=(Grain.DAY,)),
        Metric("back", "retention", "orders", entity="n", period=Grain.DAY, periods=1, grains=(Grain.DAY,)),
    )
    plan = compile_subject(
        replace(SUBJECT, sources=SUBJECT.sources[:1], metrics=metrics, grains=(Grain.DAY,))
    )
    back, owed = "retention(n, by day) and 1 later", "lasts(total, per n) carried always"
    tree = list(describe.plan_lines(plan))
    assert f"    {back}: over what is kept, where it holds, and the documents of its periods" in tree
    assert any(one.startswith(f"    {owed}: over what is kept") for one in tree)
    assert f"{back} of orders by day" in next(one for one in describe.pass_lines(plan) if "running" in one)
    about = f"day of orders, {back}: from what is kept, where it holds, and the documents of its periods"
    assert about in list(origin_lines(plan))
    told = [what for what, *_ in describe.stages_of(plan, Grain.DAY, ("2024-03-01",))]
    assert told.count(f"day: {back}, over what is kept") == 2
    assert "day: cohorts of orders" in told


def test_json_that_fits_is_one_line_and_nothing_is_lost() -> None:
    """Whatever its shape, the laid out text is the same JSON with its keys in order, in lines that fit."""
    deep: Any = {"x": "y" * 60}
    for at in range(12):
        deep = {"$cond": [{"$eq": ["$a", at]}, deep, None], "b": []} if at % 2 else [deep, {}, "ä"]
    text = laid_out(deep)
    assert json.dumps(json.loads(text)) == json.dumps(deep)
    assert '{"$eq": ["$a", 1]}' in text
    assert max(map(len, text.splitlines())) <= 110
    assert laid_out([]) == "[]"
    assert laid_out({"a": [1, 2]}) == '{"a": [1, 2]}'


def test_long_lines_are_folded_deeper() -> None:
    """What does not fit goes on below, four blanks deeper; words stay whole."""
    line = "  Aggregate orders: " + ", ".join(f"sum(field_{at})" for at in range(20))
    pieces = folded(line).splitlines()
    assert max(map(len, pieces)) <= 110
    assert all(one.startswith("      sum(") for one in pieces[1:])
    assert " ".join(one.strip() for one in pieces) == line.strip()
    assert folded("") == ""


def test_longer_grains_of_a_wide_subject_do_not_say_all_columns_again() -> None:
    """Columns that are as in the finest grain are named in a line; others are told as ever."""
    wide = tuple(Metric(f"above_{at}", "count", "orders", where=f"n > {at}") for at in range(9))
    more = Metric("users", "count_distinct", "orders", "status", grains=(Grain.DAY,))
    months = Metric("sold", "sum", "orders", "total", grains=(Grain.MONTH,))
    plan = compile_subject(
        replace(SUBJECT, sources=(ORDERS,), dimensions=(Dimension("country"),), metrics=(*wide, more, months))
    )
    told = [one for one in describe.plan_lines(plan) if one.startswith("  Finalise")]
    assert len([one for one in told if one.startswith("  Finalise above_")]) == 9
    names = ", ".join(one.name for one in wide)
    assert f"  Finalise as at day, without users: {names}" in told
    assert "  Finalise sold = sum(total)" in told
