"""Names resolved: models inlined, defaults filled in, hidden parts added, names of two sources kept apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashpipe.spec.model import Env, Grain, Input, Lookback, Schedule
from dashpipe.spec.naming import base_id, collection_name
from tests.spec.projects import metric, project, subject


def test_subject_of_a_model(tmp_path: Path) -> None:
    """A model's source and metrics stand in the subject, with the settings' defaults."""
    found = subject(tmp_path, "sources: [orders]\nmetrics: [orders, revenue]\n")
    assert found.id == "shop_sales_daily_v1"
    assert base_id(found) == "shop_sales_daily"
    assert (found.timezone, found.start, found.owner) == ("Europe/Berlin", "2024-01-01", "shop-team")
    assert found.grains == (Grain.DAY,)
    assert found.dimensions == ()
    assert found.target.collection == "sales_daily"
    assert found.target.connection == "target"
    (source,) = found.sources
    assert source.collection == Env("SHOP_ORDERS", "orders")
    assert source.where == "status = 'paid'"
    assert source.metrics == ()
    assert [(one.name, one.source, one.expr) for one in found.metrics] == [
        ("orders", "orders", None),
        ("revenue", "orders", "total"),
    ]


def test_a_spec_goes_before_the_settings(tmp_path: Path) -> None:
    """What the spec says itself is not overridden by a default."""
    text = "timezone: Asia/Tokyo\nstart: 2023-02-03\ndomain: d\nowner: me\nlookback_days: 9\n"
    found = subject(tmp_path, f"{text}sources: [orders]\nmetrics: [orders]\n")
    assert (found.timezone, found.start, found.domain, found.owner) == ("Asia/Tokyo", "2023-02-03", "d", "me")
    assert found.lookback == Lookback(9)
    assert found.target.collection == "d_daily"


def test_lookback_of_the_settings_is_told_apart(tmp_path: Path) -> None:
    """A lookback from the settings stands behind the environment's, so it says where it is from."""
    assert subject(tmp_path, "sources: [orders]\nmetrics: [orders]\n").lookback == Lookback(5, default=True)


@pytest.mark.parametrize(
    ("text", "schedule"),
    [
        ("none", None),
        ("'@hourly'", Schedule("@hourly")),
        ("{after: [shop_sales_daily]}", Schedule(after=("shop_sales_daily",))),
    ],
)
def test_schedule(text: str, schedule: Schedule | None, tmp_path: Path) -> None:
    """A schedule is cron, other subjects, or none."""
    found = subject(tmp_path, f"schedule: {text}\nsources: [orders]\nmetrics: [orders]\n")
    assert found.schedule == schedule


def test_parts_of_composites_come_last_and_hidden(tmp_path: Path) -> None:
    """What a listed composite is made of is computed too, hidden, behind the spec's own order."""
    found = subject(tmp_path, "sources: [orders]\nmetrics: [half, revenue]\n")
    assert [(one.name, one.hidden) for one in found.metrics] == [
        ("half", False),
        ("revenue", False),
        ("basket", True),
        ("orders", True),
    ]


def test_metric_under_another_name(tmp_path: Path) -> None:
    """A metric of two sources is taken from one of them by its full name, under a name of its own."""
    text = """
sources: [orders, visits]
dimensions: [country]
metrics:
  - {metric: orders.revenue, as: revenue}
  - {metric: visits.revenue, as: visit_revenue}
  - per_visit
  - {name: gap, type: derived, expr: revenue - visit_revenue}
"""
    found = subject(tmp_path, text)
    assert metric(found, "revenue").expr == "total"
    assert (metric(found, "visit_revenue").source, metric(found, "visit_revenue").expr) == ("visits", "spent")
    # In its model it is called `revenue`, which here is another source's.
    assert metric(found, "per_visit").inputs == (Input("visit_revenue", "revenue"),)
    assert metric(found, "gap").inputs == ()


def test_hidden_parts_of_two_sources_do_not_meet(tmp_path: Path) -> None:
    """A part whose name another source's metric has keeps its meaning, under its full name."""
    text = """
sources: [orders, visits]
dimensions: [country]
metrics: [{metric: orders.revenue, as: revenue}, per_visit]
"""
    found = subject(tmp_path, text)
    assert metric(found, "per_visit").inputs == (Input("visits.revenue", "revenue"),)
    part = metric(found, "visits.revenue")
    assert (part.source, part.expr, part.hidden) == ("visits", "spent", True)
    assert metric(found, "revenue").source == "orders"


def test_own_composite_takes_parts_of_sources(tmp_path: Path) -> None:
    """A subject's own composite may name metrics that are not listed; they come hidden."""
    text = """
sources: [orders, visits]
dimensions: [country]
metrics:
  - {name: rate, type: ratio, numerator: orders, denominator: visits}
  - name: sum_of_both
    type: derived
    expr: a + b
    inputs: [{metric: orders.revenue, as: a}, {metric: visits.revenue, as: b}]
"""
    found = subject(tmp_path, text)
    assert [one.name for one in found.metrics if one.hidden] == [
        "orders",
        "visits",
        "revenue",
        "visits.revenue",
    ]
    assert metric(found, "sum_of_both").inputs == (Input("revenue", "a"), Input("visits.revenue", "b"))


def test_a_listed_model_metric_is_shown_though_the_model_hides_it(tmp_path: Path) -> None:
    """Whether a metric is written is the subject's to say."""
    model = "dashpipe: 1\nmodel: raw\ncollection: raw\ntime: at\n"
    model += "metrics: [{name: n, type: count, hidden: true}]\n"
    text = "dashpipe: 1\nsubject: s\nsources: [raw]\nmetrics: [n]\n"
    read = project(tmp_path, {"metrics/models/raw.yml": model, "metrics/sales/s.yml": text})
    assert not metric(read.resolved().subjects[0], "n").hidden


def test_source_of_a_metric_is_filled_in_where_it_is_clear(tmp_path: Path) -> None:
    """With one source a metric need not say which."""
    found = subject(tmp_path, "sources: [orders]\nmetrics: [{name: n, type: count}]\n")
    assert metric(found, "n").source == "orders"


def test_lookup_runs_on_the_first_sources_connection(tmp_path: Path) -> None:
    """A lookup without a connection takes that of the first source; their order means nothing more."""
    lookup = "{name: continent, lookup: {collection: c, key: country, foreign: _id, field: f}}"
    found = subject(tmp_path, f"sources: [visits]\ndimensions: [country, {lookup}]\nmetrics: [visits]\n")
    (_, looked_up) = found.dimensions
    assert looked_up.lookup is not None
    assert looked_up.lookup.connection == "web"
    assert [one.name for one in found.key] == ["country"]


@pytest.mark.parametrize(
    ("grain", "version", "name"),
    [
        (Grain.DAY, 1, "dash"),
        (Grain.HOUR, 1, "dash_hour"),
        (Grain.DAY, 2, "dash_v2"),
        (Grain.MONTH, 3, "dash_v3_month"),
    ],
)
def test_collection_of_a_grain(grain: Grain, version: int, name: str) -> None:
    """The day has the target's name; other grains and later versions add theirs."""
    assert collection_name("dash", grain, version) == name


def test_a_broken_file_hides_no_other(tmp_path: Path) -> None:
    """A file that cannot be read, and a subject with an unknown name, leave the sound one as it is."""
    files = {
        "metrics/a/broken.yml": "dashpipe: 1\nsubject: [\n",
        "metrics/a/wrong.yml": "dashpipe: 1\nsubject: wrong\nsources: [orders]\nmetrics: [revenu]\n",
        "metrics/a/sound.yml": "dashpipe: 1\nsubject: sound\nsources: [orders]\nmetrics: [revenue]\n",
    }
    resolved = project(tmp_path, files).resolved()
    assert [one.name for one in resolved.subjects] == ["sound"]
    assert [one.name for one in resolved.every] == ["sound", "wrong"]
    assert [(one.code, one.file) for one in resolved.findings] == [("N002", "metrics/a/wrong.yml")]


def test_users_of_a_broken_model_are_not_blamed(tmp_path: Path) -> None:
    """A model that cannot be read is the only finding: its users' names are not unknown too."""
    files = {
        "metrics/models/raw.yml": "dashpipe: 1\nmodel: raw\ncollection: [\n",
        "metrics/a/s.yml": "dashpipe: 1\nsubject: s\nsources: [raw]\ndimensions: [x]\nmetrics: [y]\n",
    }
    resolved = project(tmp_path, files).resolved()
    assert resolved.findings == ()
    assert resolved.subjects == ()


def test_a_wrong_metric_of_a_model_stops_its_users_only(tmp_path: Path) -> None:
    """Who does not take the wrong metric stays sound; who takes it does not, without a finding of its own."""
    model = """
dashpipe: 1
model: raw
collection: raw
time: at
metrics:
  - {name: good, type: count}
  - {name: bad, type: cuont}
"""
    files = {
        "metrics/models/raw.yml": model,
        "metrics/a/takes.yml": "dashpipe: 1\nsubject: takes\nsources: [raw]\nmetrics: [good, bad]\n",
        "metrics/a/does_not.yml": "dashpipe: 1\nsubject: does_not\nsources: [raw]\nmetrics: [good]\n",
    }
    resolved = project(tmp_path, files).resolved()
    assert resolved.findings == ()
    assert [one.name for one in resolved.subjects] == ["does_not"]


def test_a_metric_made_of_itself_ends(tmp_path: Path) -> None:
    """Metrics of a model in a circle are resolved without going round for ever."""
    model = """
dashpipe: 1
model: raw
collection: raw
time: at
metrics:
  - {name: a, type: derived, expr: b + 1}
  - {name: b, type: derived, expr: a + 1}
"""
    files = {
        "metrics/models/raw.yml": model,
        "metrics/a/s.yml": "dashpipe: 1\nsubject: s\nsources: [raw]\nmetrics: [a]\n",
    }
    (found,) = project(tmp_path, files).resolved().every
    assert [(one.name, one.hidden) for one in found.metrics] == [("a", False), ("b", True)]
