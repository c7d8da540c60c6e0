"""A year of flights: every row of every grain against SQL over the CSV files.

The SQL is written apart from the loader and the compiler. At night all flights are taken, else those of one
airport: a third of them, with every day, carrier and change of the clock.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pymongo import MongoClient

from dashpipe.demo import load_flights
from dashpipe.demo.flights import data_folder
from dashpipe.run import run_all
from dashpipe.run.base import Request, Setup
from dashpipe.run.connections import Connections, from_environment
from dashpipe.run.log import silent
from dashpipe.spec.model import Grain
from dashpipe.spec.naming import collection_name
from dashpipe.spec.project import load
from tests.conftest import PROFILE

Document = dict[str, Any]
ROOT = Path(__file__).parents[2]
ORIGINS = None if PROFILE == "nightly" else {"LGA"}
FLIGHTS = 336_776 if ORIGINS is None else 104_662

#: The label of a partition, from the local time of departure and its offset.
LABELS = {
    Grain.HOUR: "strftime(t, '%Y-%m-%dT%H') || o",
    Grain.DAY: "strftime(t, '%Y-%m-%d')",
    Grain.WEEK: "strftime(date_trunc('week', t), '%Y-%m-%d')",
    Grain.MONTH: "strftime(t, '%Y-%m-01')",
    Grain.QUARTER: "strftime(date_trunc('quarter', t), '%Y-%m-%d')",
    Grain.YEAR: "strftime(t, '%Y-01-01')",
}

CARRIER = """
SELECT {label} AS p, carrier, any_value(names.name) AS carrier_name,
  count(*) AS flights,
  count(*) FILTER (WHERE dep_delay IS NULL) AS cancelled,
  count(*) FILTER (WHERE dep_delay IS NULL) / count(*)::DOUBLE AS cancel_rate,
  count(*) FILTER (WHERE dep_delay > 15) / nullif(count(dep_delay), 0)::DOUBLE AS late_rate,
  avg(dep_delay) AS dep_delay_avg, max(dep_delay) AS dep_delay_max, avg(arr_delay) AS arr_delay_avg,
  min(arr_delay) AS early_max,
  sum(distance) FILTER (WHERE air_time IS NOT NULL)::BIGINT AS miles,
  sum(air_time / 60e0) AS air_hours,
  count(DISTINCT tailnum) AS planes,
  sum(distance) FILTER (WHERE air_time IS NOT NULL) / sum(air_time / 60e0) AS speed
FROM flights LEFT JOIN names USING (carrier) GROUP BY 1, 2
"""

ROUTE = """
SELECT {label} AS p, dest AS destination, origin, any_value(places.name) AS destination_name,
  count(*) AS flights,
  count(*) FILTER (WHERE dep_delay IS NULL) AS cancelled,
  count(*) FILTER (WHERE dep_delay IS NULL) / count(*)::DOUBLE AS cancel_rate,
  count(*) FILTER (WHERE dep_delay > 15) / nullif(count(dep_delay), 0)::DOUBLE AS late_rate,
  avg(dep_delay) AS dep_delay_avg, avg(arr_delay) AS arr_delay_avg,
  count(DISTINCT carrier) AS carriers
FROM flights LEFT JOIN places ON places.faa = dest GROUP BY 1, 2, 3
"""

#: What is no metric of the row's own.
KEPT = {
    "_id",
    "partition_date",
    "partition_hour",
    "grain",
    "complete",
    "created_at",
    "updated_at",
    "_state",
    "_meta",
}

#: The grains of metrics that are not of every one.
ONLY = {"planes": (Grain.DAY, Grain.YEAR), "carriers": (Grain.DAY, Grain.QUARTER)}

#: A sum of nothing is 0, in SQL it is NULL.
SUMS = {"miles": 0, "air_hours": 0.0}


@pytest.fixture(scope="module")
def sql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The CSV files as tables; ``t`` is the scheduled local time, ``o`` its offset from UTC."""
    folder = tmp_path_factory.mktemp("csv")
    with zipfile.ZipFile(data_folder() / "flights.csv.zip") as archive:
        archive.extract("flights.csv", folder)
    with duckdb.connect() as connection:
        read = "read_csv('{}', nullstr=['NA', ''], header=true)"
        connection.execute(
            f"""CREATE TABLE flights AS SELECT *, CASE WHEN t >= '2013-03-10 02:00' AND t < '2013-11-03 02:00'
                  THEN '-0400' ELSE '-0500' END AS o
                FROM (SELECT *, make_timestamp(
                             year, month, day, sched_dep_time // 100, sched_dep_time % 100, 0) AS t
                      FROM {read.format(folder / "flights.csv")})"""
        )
        connection.execute(f"CREATE TABLE names AS FROM {read.format(data_folder() / 'airlines.csv')}")
        connection.execute(f"CREATE TABLE places AS FROM {read.format(data_folder() / 'airports.csv')}")
        if ORIGINS is not None:
            connection.execute("DELETE FROM flights WHERE NOT list_contains(?, origin)", [list(ORIGINS)])
        counted = connection.execute("SELECT count(*) FROM flights").fetchone()
        assert counted == (FLIGHTS,)
        yield connection


@pytest.fixture(scope="module")
def published(mongo: MongoClient[Document], mongo_uri: str) -> Iterator[MongoClient[Document]]:
    """The flights loaded, and both subjects of ``metrics/flights`` published for the whole year."""
    source, target = "test_year_source", "test_year_dash"
    assert load_flights(mongo[source], origins=ORIGINS) == FLIGHTS
    environ = {
        "DASHPIPE_SOURCE_URI": mongo_uri.replace("/?", f"/{source}?"),
        "DASHPIPE_TARGET_URI": mongo_uri.replace("/?", f"/{target}?"),
    }
    project = load(ROOT)
    setup = Setup(Connections(from_environment(environ)), environ, project.config.allow.env, silent)
    for subject in project.resolved().subjects:
        if subject.project == "flights":
            request = Request(subject, f"test/{subject.id}", start=date(2013, 1, 1), end=date(2014, 1, 1))
            run_all(request, setup)
    setup.connections.close()
    yield mongo
    mongo.drop_database(source)
    mongo.drop_database(target)


def _expected(
    connection: duckdb.DuckDBPyConnection, query: str, grain: Grain, keys: int
) -> dict[str, Document]:
    found = connection.execute(query.format(label=LABELS[grain]))
    names = [one[0] for one in found.description or ()]
    rows = {}
    for values in found.fetchall():
        row = dict(zip(names, values))
        label = row.pop("p")
        row |= {name: nothing for name, nothing in SUMS.items() if name in row and row[name] is None}
        for name in row.keys() & ONLY.keys():
            if grain not in ONLY[name]:
                del row[name]
        rows["|".join([label, *values[1 : keys + 1]])] = row
    return rows


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.differential
@pytest.mark.parametrize(
    ("collection", "query", "keys", "grains"),
    [
        ("ops_carrier", CARRIER, 1, tuple(one for one in LABELS if one not in (Grain.HOUR, Grain.QUARTER))),
        ("ops_route", ROUTE, 2, (Grain.DAY, Grain.MONTH, Grain.QUARTER)),
    ],
    ids=["carrier", "route"],
)
def test_every_row_of_every_grain_is_what_sql_says(
    published: MongoClient[Document],
    sql: duckdb.DuckDBPyConnection,
    collection: str,
    query: str,
    keys: int,
    grains: tuple[Grain, ...],
) -> None:
    """Keys, counts, whole numbers and texts exactly, means to 1e-9; no row more and none less."""
    for grain in grains:
        wanted = _expected(sql, query, grain, keys)
        stored = {
            one["_id"]: one
            for one in published["test_year_dash"][collection_name(collection, grain, 1)].find()
        }
        assert stored.keys() == wanted.keys()
        for key, row in stored.items():
            label = key.partition("|")[0]
            assert row["partition_date"] == label[:10]
            assert row.get("partition_hour") == (label[11:] if grain is Grain.HOUR else None)
            assert (row["grain"], row["complete"]) == (grain.value, True)
            assert {name for name in row if name not in KEPT} == wanted[key].keys()
            for name, value in wanted[key].items():
                _same(row[name], value, (grain, key, name))


def _same(ours: Any, theirs: Any, where: tuple[Any, ...]) -> None:
    if isinstance(theirs, float) and ours is not None:
        assert isinstance(ours, float), where
        assert math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-12), (*where, ours, theirs)
    else:
        assert ours == theirs, (*where, ours, theirs)
        assert type(ours).__name__ in ("int", "Int64", "str", "NoneType"), (*where, type(ours))
