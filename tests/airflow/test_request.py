"""From Airflow's context to a request: which dates count for which kind of run."""

from __future__ import annotations

from copy import deepcopy
from datetime import date, datetime, timezone
from types import SimpleNamespace
from typing import Any

import pendulum
import pytest

from dashpipe.airflow.request import again_after, checked, request
from dashpipe.run.errors import Refused
from dashpipe.spec.model import Schedule
from tests.airflow.test_factory import SUBJECT, entry_of

END = datetime(2024, 3, 2, 19, 15, tzinfo=timezone.utc)
LOGICAL = datetime(2024, 3, 1, 19, 15, tzinfo=timezone.utc)


def context(run_type: str, conf: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"dag_run": SimpleNamespace(conf=conf, run_type=run_type), "run_id": "the__run", **more}


DATES = {"logical_date": LOGICAL, "data_interval_end": END}


@pytest.mark.parametrize(
    ("run_type", "kind", "logical", "end"),
    [
        ("scheduled", "scheduled", None, END),
        ("backfill", "backfill", None, END),
        ("manual", "manual", LOGICAL, None),
        ("operator_triggered", "manual", LOGICAL, None),
        ("asset_triggered", "asset", None, None),
    ],
)
def test_each_kind_of_run_has_its_date(
    run_type: str, kind: str, logical: datetime | None, end: datetime | None
) -> None:
    """Scheduled runs and backfills have an interval's end, manual runs a logical date, asset runs neither."""
    made = request(entry_of(SUBJECT), context(run_type, **DATES))
    assert (made.kind, made.logical_date, made.interval_end) == (kind, logical, end)
    assert made.run_id == "acme_shop_daily_v1/the__run"
    assert made.subject == SUBJECT
    assert (made.start, made.end, made.allow_removal, made.upstream) == (None, None, False, ())


@pytest.mark.parametrize(
    "given",
    [
        END.replace(tzinfo=None),
        # What Airflow hands to a task: a copy of it has no zone any more.
        pendulum.DateTime(2024, 3, 2, 19, 15, tzinfo=timezone.utc),
        pendulum.datetime(2024, 3, 3, 3, 15, tz="Asia/Shanghai"),
    ],
)
def test_instants_keep_their_zone(given: datetime) -> None:
    """Whatever the type of an instant, request and copies have it with its zone; without one it is UTC."""
    made = request(entry_of(SUBJECT), context("scheduled", data_interval_end=given))
    assert deepcopy(made.interval_end) == END
    made = request(entry_of(SUBJECT), context("manual", logical_date=given))
    assert deepcopy(made.logical_date) == END


def test_a_run_without_dates_has_none() -> None:
    """Airflow 3 leaves the keys out where a run has no logical date."""
    made = request(entry_of(SUBJECT), context("manual"))
    assert (made.logical_date, made.interval_end) == (None, None)


def test_an_asset_run_names_the_upstream_subjects() -> None:
    """Its window is what these published; a manual run of the same DAG goes by its own date."""
    entry = entry_of(SUBJECT)
    entry["dag"]["schedule"] = {"after": ["acme_shop_first_v1", "acme_shop_first_v2"]}
    made = request(entry, context("asset_triggered"))
    assert made.upstream == ("acme_shop_first_v1", "acme_shop_first_v2")
    assert request(entry, context("manual", **DATES)).upstream == ()
    assert Schedule("x") != SUBJECT.schedule


def test_conf_gives_dates_and_allows_removal() -> None:
    """``from``, ``to`` and ``allow_removal`` are what a run's conf may have."""
    conf = {"from": "2024-03-01", "to": "2024-03-08", "allow_removal": True}
    made = request(entry_of(SUBJECT), context("manual", conf, **DATES))
    assert (made.start, made.end, made.allow_removal) == (date(2024, 3, 1), date(2024, 3, 8), True)


@pytest.mark.parametrize(
    ("conf", "message"),
    [
        (
            {"form": "2024-03-01"},
            "the run's conf has the key `form`; it may have from, to, allow_removal only",
        ),
        ({"from": "1 March"}, "`from` in the run's conf is no date"),
        ({"to": "2024-02-30"}, "`to` in the run's conf is no date"),
        ({"to": "20240301"}, "`to` in the run's conf is no date"),
        ({"from": 20240301}, "`from` in the run's conf is no date"),
        ({"allow_removal": "yes"}, "`allow_removal` in the run's conf is neither true nor false"),
        ({1: 2}, "the run's conf has the key `1`"),
    ],
)
def test_another_conf_is_refused_with_what_to_write(conf: dict[Any, Any], message: str) -> None:
    """A key that is not known is not ignored: the run would do something else than was meant."""
    with pytest.raises(Refused) as caught:
        checked(conf)
    assert caught.value.message.startswith(message)
    assert '{"from": "2024-03-01", "to": "2024-03-08", "allow_removal": false}' in caught.value.help
    assert not caught.value.retry


def test_the_lease_outlasts_the_pauses_between_tries() -> None:
    """The pauses double, Airflow adds up to as much again, and none is longer than an hour."""
    assert again_after({"retries": 3, "retry_delay": 60}) == 2 * (60 + 120 + 240)
    assert again_after({"retries": 0, "retry_delay": 60}) == 0
    assert again_after({"retries": 3, "retry_delay": 1800}) == 3 * 3600
