"""The demo as a user calls it: whole, in a copy of the project, and what it says when it cannot go on."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections import Counter

import pytest
from pymongo import MongoClient

from dashpipe import embedded
from dashpipe.demo import flights
from tests.conftest import BUILD
from tests.docs.fences import ROOT


@pytest.fixture
def copy(tmp_path):
    """The parts of the repository that the demo needs, elsewhere."""
    folder = tmp_path / "project"
    folder.mkdir()
    shutil.copy(ROOT / "dashpipe.toml", folder)
    shutil.copytree(ROOT / "metrics", folder / "metrics")
    shutil.copytree(ROOT / "dags", folder / "dags", ignore=shutil.ignore_patterns("_manifest", "__pycache__"))
    return folder


def demo(folder, *arguments, **environ):
    """Call the demo in a project, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "dashpipe", "demo", "--end", "2026-06-01", "--build", BUILD, *arguments],
        cwd=folder,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.airflow
def test_demo(copy):
    """It publishes through Airflow what the file says, and the second time it changes nothing."""
    # A user's own settings are not for the demo.
    foreign = {
        "DASHPIPE_TARGET_URI": "mongodb://127.0.0.1:1/nowhere",
        "FLIGHTS_FLIGHTS": "nothing",
        "LOOKBACK_DAYS": "x",
    }
    done = demo(copy, "--keep", **foreign)
    server = embedded.find(copy / ".dashpipe" / "demo")
    assert server is not None, done.stderr
    try:
        assert done.returncode == 0, done.stderr
        with MongoClient(server.uri) as client:
            rows = list(client["target"]["ops_carrier_month"].find({"partition_date": "2013-01-01"}))
            runs = client["target"]["dashpipe_runs"].count_documents({"receipts.load": {"$exists": True}})
    finally:
        server.stop()
    assert runs == 8
    assert {row["carrier"]: row["flights"] for row in rows} == january(lambda row: True)
    assert {row["carrier"]: row["cancelled"] for row in rows if row["cancelled"]} == january(
        lambda row: row["dep_time"] in ("", "NA")
    )
    said = done.stderr.splitlines()
    again = [line for line in said if re.match(r"ran .*, again: ", line)]
    assert len(again) == 4
    assert all("again: nothing changed, " in line for line in again)
    assert "\x1b" not in done.stdout + done.stderr
    assert "United Air Lines" in done.stdout
    # What it says to try next works as it stands.
    for line in re.findall(r"^  (\S*dashpipe show \S+)", done.stdout, re.MULTILINE):
        shown = subprocess.run(line.split(), cwd=copy, capture_output=True, text=True, check=False)
        assert shown.returncode == 0, shown.stderr
        assert "Stages" in shown.stdout


def january(wanted):
    """Flights of January a carrier, counted from the file itself."""
    with (
        zipfile.ZipFile(flights.data_folder() / "flights.csv.zip") as archive,
        archive.open("flights.csv") as raw,
    ):
        rows = csv.DictReader(io.TextIOWrapper(raw, encoding="utf-8"))
        return dict(Counter(row["carrier"] for row in rows if row["month"] == "1" and wanted(row)))


def test_broken_spec_is_said(copy):
    """A spec with an error stops the demo with the finding, in one place, and leaves no server."""
    path = copy / "metrics" / "flights" / "carrier.yml"
    path.write_text(path.read_text("utf-8").replace("grains: [day,", "grains: [days,"), "utf-8")
    done = demo(copy)
    assert done.returncode == 2
    assert "the specs have errors" in done.stderr
    assert "metrics/flights/carrier.yml:" in done.stderr
    assert "Traceback" not in done.stderr
    assert embedded.find(copy / ".dashpipe" / "demo") is None


def test_other_project_is_said(copy):
    """In a project without the example metrics it says where to find them."""
    shutil.rmtree(copy / "metrics" / "flights")
    done = demo(copy)
    assert done.returncode == 2
    assert "clone it and run `make demo` there" in done.stderr


def test_wrong_end_is_said(copy):
    """`--end` takes a date or today."""
    done = demo(copy, "--end", "yesterday")
    assert done.returncode == 2
    assert "write one as 2026-06-01, or today" in done.stderr
