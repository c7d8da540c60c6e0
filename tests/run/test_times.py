"""Times that are stored otherwise than as dates: whole runs give the rows that dates give."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from pymongo import MongoClient

from dashpipe.run.errors import RunError
from dashpipe.spec.model import Subject, Time
from tests.differential import times
from tests.run import shop, stage
from tests.run.stage import Stage

Document = dict[str, Any]

LATER = shop.NOW + timedelta(hours=2)
DAYS = [shop.FIRST + number * shop.DAY for number in range(20)]
FORMS = [one for one in times.KINDS if one != "date"]


@pytest.fixture
def here(mongo: MongoClient[Document], mongo_uri: str) -> Iterator[Stage]:
    with stage.open_stage(mongo, mongo_uri) as one:
        yield one


def keep_as(here: Stage, form: str) -> Subject:
    """The shop, whose orders have their times in a form; beside them they keep the dates."""
    rng, orders = random.Random(form), here.source["orders"]
    for one in list(orders.find()):
        said = {
            "moment": times.stored(rng, one["at"], form, one["_id"]),
            "changed": times.stored(rng, one["changed_at"], form, one["_id"]),
        }
        orders.update_one({"_id": one["_id"]}, {"$set": said})
    source = replace(shop.SUBJECT.sources[0], time=Time("moment", form), updated=Time("changed", form))
    return replace(shop.SUBJECT, sources=(source, *shop.SUBJECT.sources[1:]))


@pytest.mark.parametrize("form", FORMS)
def test_rows_are_those_of_dates(here: Stage, form: str) -> None:
    """Every row is as counted by the dates, and the newest time is the instant of the newest document."""
    subject = keep_as(here, form)
    done = here.go("dag/first", subject=subject)
    assert shop.public(here.rows()) == shop.counted(here.source, DAYS)
    newest: datetime = next(iter(here.source["orders"].find().sort("at", -1)))["at"]
    if form == "object_id":
        newest = newest.replace(microsecond=0)
    assert datetime.fromisoformat(done["steps"]["extract_orders"]["newest"].replace("Z", "+00:00")) == newest


@pytest.mark.parametrize("form", FORMS)
def test_the_future_is_not_the_newest(here: Stage, form: str) -> None:
    """A time after `as_of` says nothing of freshness, in whatever form and order it is stored."""
    subject = keep_as(here, form)
    ahead = shop.order(900, shop.NOW + timedelta(minutes=1))
    ahead |= {"moment": times.stored(random.Random(1), ahead["at"], form, 900)}
    here.source["orders"].insert_one(ahead)
    done = here.go("dag/first", subject=subject)
    assert done["steps"]["extract_orders"]["newest"] < "2024-03-10T04:30"


@pytest.mark.parametrize("form", FORMS)
def test_changes_are_found_in_the_form_too(here: Stage, form: str) -> None:
    """An order of an old day that changed is found by `updated` in its own form, and computed again."""
    subject = keep_as(here, form)
    here.go("dag/first", subject=subject)
    span = {"$gte": shop.at("2024-02-22T00:00"), "$lt": shop.at("2024-02-23T00:00")}
    when = shop.NOW + timedelta(hours=1)
    changed = {"amount": 500, "changed": times.stored(random.Random(2), when, form, 901)}
    here.source["orders"].update_one({"at": span, "status": "paid"}, {"$set": changed})
    done = here.go("dag/next", subject=subject, now=LATER)
    assert done["steps"]["extract_orders"]["stale"] == 3
    assert shop.public(here.rows()) == shop.counted(here.source, DAYS, LATER)


@pytest.mark.parametrize("form", FORMS)
def test_other_forms_count_as_untimed(here: Stage, form: str) -> None:
    """A date where another form is said is no time: the run fails and names the form."""
    subject = keep_as(here, form)
    here.source["orders"].update_one({"status": "paid"}, {"$set": {"moment": shop.NOW}})
    with pytest.raises(
        RunError, match=r"1 of about .* documents of orders have no .* in `moment`"
    ) as failure:
        here.go("dag/first", subject=subject)
    assert "`as`" in failure.value.help
