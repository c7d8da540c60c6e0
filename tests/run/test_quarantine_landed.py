"""Quarantine of what is landed from a file: a row stays out until a later file mends it."""

from __future__ import annotations

import signal
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from dashpipe.run import state, takeover
from dashpipe.spec.model import Subject
from tests.conftest import PROFILE
from tests.run import landed, shop, victim
from tests.run.landed import Yard
from tests.run.test_landing import READ_CSV, by_duckdb, computed, csv

Document = dict[str, Any]

#: `pieces` and `paid` are strict, the others are not.
FIELDS = tuple(
    replace(one, on_type_error="quarantine") if one.path in ("pieces", "paid") else one
    for one in landed.SOURCE.fields
)
SUBJECT = landed.of(landed.FILE, fields=FIELDS)
CATCH_UP: Document = {"start": None, "end": None, "now": landed.NOW + timedelta(hours=2)}

#: Rows 2, 23 and 44 are of 3 to 5 March, far from the days that a run reads by itself.
WRONG = {
    "2": "2,2024-03-03 01:00,north,many,1,1",
    "23": "23,2024-03-04 01:00,north,3,a lot,1",
    "44": "44,2024-03-05 01:00,north,1.5,?,1",
}
RIGHT = {
    "2": "2,2024-03-03 01:00,north,7,1,1",
    "23": "23,2024-03-04 01:00,north,3,99.5,1",
    "44": "44,2024-03-05 01:00,north,1,2,1",
}


def deliver(yard: Yard, numbers: range = range(1, 61), **changed: str) -> None:
    """Put a file of orders in place of the one there."""
    yard.write("data/orders.csv", csv(numbers, **changed))


def check(yard: Yard, *wrong: str) -> None:
    """The rows of days and months are those of the file without its wrong rows, and just these are listed."""
    text = (yard.folder / "data/orders.csv").read_text("utf-8").splitlines(keepends=True)
    good = "".join(one for one in text if one.partition(",")[0] not in wrong)
    read = READ_CSV.format(path=yard.write("good.csv", good))
    assert computed(yard.rows()) == by_duckdb(read)
    assert computed(yard.rows("dash_orders_month")) == by_duckdb(read, "%Y-%m-01")
    assert set(listed(yard)) == set(wrong)


def listed(yard: Yard, subject: Subject = SUBJECT) -> dict[str, Document]:
    """The entries of a subject, by the document that each is of."""
    return {one["document"]: one for one in yard.target[state.QUARANTINE].find({"subject": subject.id})}


def test_a_wrong_row_is_out_until_the_file_is_mended(yard: Yard) -> None:
    """What a new file mends is of its day again, with that day's month; what it does not stays listed."""
    deliver(yard, **WRONG)
    done = yard.go(SUBJECT)["steps"]["extract_orders"]
    assert (done["quarantined"], done["landed"]["bad"]) == (3, 0)
    check(yard, "2", "23", "44")
    found = listed(yard)
    assert {one: found[one]["reason"] for one in found} == {
        "2": "`pieces` is string, not integer",
        "23": "`paid` is string, not decimal",
        "44": "`paid` is string, not decimal; `pieces` is string, not integer",
    }
    assert {one: found[one]["partition"] for one in found} == {
        "2": "2024-03-03",
        "23": "2024-03-04",
        "44": "2024-03-05",
    }
    # Half mended is not mended.
    deliver(yard, **{**WRONG, "2": RIGHT["2"], "44": "44,2024-03-05 01:00,north,1,?,1"})
    mended = yard.go(SUBJECT, **CATCH_UP)["steps"]["extract_orders"]["mended"]
    assert mended["released"] == 1
    check(yard, "23", "44")
    assert listed(yard)["44"]["reason"] == "`paid` is string, not decimal"
    assert listed(yard)["44"]["first_seen"] == found["44"]["first_seen"]
    deliver(yard, **RIGHT)
    yard.go(SUBJECT, **CATCH_UP)
    check(yard)
    assert yard.stale() == set()


def test_a_row_that_turns_wrong_leaves_an_old_day(yard: Yard) -> None:
    """The day is far beyond the lookback: that its file changed is what brings it into the run."""
    deliver(yard)
    yard.go(SUBJECT)
    check(yard)
    deliver(yard, **WRONG)
    yard.go(SUBJECT, **CATCH_UP)
    check(yard, "2", "23", "44")


@pytest.mark.slow  # long on the Python build; .ci/run has it on the native one
def test_the_list_follows_what_moves_and_what_goes(yard: Yard) -> None:
    """A wrong row that is given another day, one that is delivered no more, and a file that is taken away."""
    deliver(yard, **WRONG)
    yard.go(SUBJECT)
    moved = WRONG["2"].replace("2024-03-03", "2024-03-06")
    deliver(yard, range(3, 61), **WRONG, **{"3": moved})
    yard.go(SUBJECT, **CATCH_UP)
    check(yard, "2", "23", "44")
    assert listed(yard)["2"]["partition"] == "2024-03-06"
    deliver(yard, range(24, 61), **WRONG)
    yard.go(SUBJECT, **CATCH_UP)
    check(yard, "44")


@pytest.mark.slow  # long on the Python build; .ci/run has it on the native one
def test_each_subject_has_its_own_list(yard: Yard) -> None:
    """Two subjects land one file, and the one takes wrong values for NULL that the other leaves out."""
    lax = replace(landed.SUBJECT, name="lax", target=replace(landed.SUBJECT.target, collection="dash_lax"))
    deliver(yard, **WRONG)
    yard.go(lax)
    yard.go(SUBJECT)
    check(yard, "2", "23", "44")
    assert listed(yard, lax) == {}
    rows = yard.rows("dash_lax")
    assert sum(one["orders"] for one in rows.values()) == 60
    deliver(yard, **RIGHT)
    for subject in (lax, SUBJECT):
        yard.go(subject, **CATCH_UP)
    check(yard)
    assert computed(yard.rows("dash_lax")) == computed(yard.rows())


@pytest.mark.slow  # many runs and processes; `make test` kills plain runs
def test_killed_while_it_lands_lists_and_releases(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kill −9 before some of its writes: the next run ends with the right rows, and the right list."""
    monkeypatch.setattr(takeover, "LONGEST_WRITE", 0.2)
    deliver(yard, **{"2": WRONG["2"], "23": WRONG["23"]})
    yard.go(SUBJECT)
    deliver(yard, **{"2": RIGHT["2"], "23": WRONG["23"], "44": WRONG["44"]})
    number, stride = 4, {"quick": 29, "ci": 16}.get(PROFILE, 2)
    while True:
        with landed.copied(yard) as here:
            setup = {"allow_files": here.allow, "root": here.folder, "batch_size": 20}
            asked = {"run_id": "dag/victim", "subject": SUBJECT, "setup": setup, **CATCH_UP}
            names = (here.uri, here.source.name, here.target.name)
            process, told = victim.start(*names, number, signal.SIGKILL, **asked)
            process.join()
            here.target.client.admin.command({"killAllSessions": []})
            if process.exitcode == 0:
                check(here, "23", "44")
                break
            assert process.exitcode == -signal.SIGKILL, told.value
            shop.expire(here.target, SUBJECT.id)
            here.go(SUBJECT, run_id="dag/after", **CATCH_UP)
            check(here, "23", "44")
            assert here.stale() == set(), f"killed before write {number}"
        number += stride
    assert number > 40


def test_a_run_of_other_days_leaves_the_mended_day_stale(yard: Yard) -> None:
    """What a run by name finds mended elsewhere waits for the next one that catches up."""
    deliver(yard, **WRONG)
    yard.go(SUBJECT)
    deliver(yard, **RIGHT)
    yard.go(SUBJECT, start=date(2024, 3, 8), end=date(2024, 3, 9))
    assert {one for one in yard.stale() if one[0] == "day"} == {
        ("day", "2024-03-03"),
        ("day", "2024-03-04"),
        ("day", "2024-03-05"),
    }
    assert listed(yard) == {}
    yard.go(SUBJECT, **CATCH_UP)
    check(yard)
