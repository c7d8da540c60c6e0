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
from dashpipe.demo import flights, story
from tests.conftest import BUILD
from tests.docs.fences import ROOT


@pytest.fixture
def copy(tmp_path):
    """A project of one's own."""
    return project(tmp_path / "project")


def project(folder):
    """The parts of the repository that the demo needs, in another folder."""
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


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """The demo, played once: the project, what it printed, and its server, which is left running."""
    folder = project(tmp_path_factory.mktemp("demo") / "project")
    # A user's own settings are not for the demo.
    foreign = {
        "DASHPIPE_TARGET_URI": "mongodb://127.0.0.1:1/nowhere",
        "FLIGHTS_FLIGHTS": "nothing",
        "LOOKBACK_DAYS": "x",
    }
    done = demo(folder, "--keep", **foreign)
    server = embedded.find(folder / ".dashpipe" / "demo")
    assert server is not None, done.stderr
    with server:
        yield folder, done, server


@pytest.mark.slow  # two minutes on the Python build; `make demo` is the same by hand
@pytest.mark.airflow
def test_publishes_what_the_file_says(played):
    """Flights and cancellations of January, a carrier, are those of the file itself."""
    _, done, server = played
    assert done.returncode == 0, done.stderr
    with MongoClient(server.uri) as client:
        rows = list(client["target"]["ops_carrier_month"].find({"partition_date": "2013-01-01"}))
        runs = client["target"]["dashpipe_runs"].count_documents({"receipts.load": {"$exists": True}})
    origins = {"LGA", "JFK", "EWR"} if BUILD == embedded.NATIVE else {"LGA"}
    assert runs == 8
    assert {row["carrier"]: row["flights"] for row in rows} == january(origins)
    cancelled = january(origins, lambda row: row["dep_time"] in ("", "NA"))
    assert {row["carrier"]: row["cancelled"] for row in rows if row["cancelled"]} == cancelled


@pytest.mark.slow  # two minutes on the Python build; `make demo` is the same by hand
@pytest.mark.airflow
def test_runs_twice_and_says_so(played):
    """Each subject is run twice; the second run changes nothing."""
    _, done, _ = played
    again = re.findall(r"^ran (\S+), .*, again: (.*) \(", done.stderr, re.MULTILINE)
    assert [name for name, _ in again] == [*story.FLIGHTS, *story.LEARNING]
    assert all(what.endswith(" rows, nothing changed") for _, what in again)


@pytest.mark.slow  # two minutes on the Python build; `make demo` is the same by hand
@pytest.mark.airflow
def test_output_is_plain_and_fits(played):
    """Away from a terminal there is neither colour nor a bar; tables fit a narrow one."""
    _, done, _ = played
    assert "\x1b" not in done.stdout + done.stderr
    shown = done.stdout.split("Try next")[0].splitlines()
    assert max(map(len, shown)) <= 80
    assert not any("…" in line for line in shown)


@pytest.mark.slow  # two minutes on the Python build; `make demo` is the same by hand
@pytest.mark.airflow
def test_what_to_try_next_works(played):
    """The commands at the end work as they stand: show, run (which changes nothing), status, stop."""
    folder, done, server = played
    lines = [line[2:] for line in done.stdout.split("Try next")[1].splitlines() if line.startswith("  ")]
    commands = [one for one in lines if not one.startswith(("#", "make"))]
    tried = subprocess.run(
        ["sh", "-eu", "-c", "\n".join(commands)], cwd=folder, capture_output=True, text=True, check=False
    )
    assert tried.returncode == 0, tried.stderr
    for said in ("Stages", "nothing changed", "published"):
        assert said in tried.stdout
    assert not server.is_alive()


def january(origins, wanted=lambda row: True):
    """Flights of January a carrier, counted from the file itself."""
    with (
        zipfile.ZipFile(flights.data_folder() / "flights.csv.zip") as archive,
        archive.open("flights.csv") as raw,
    ):
        rows = csv.DictReader(io.TextIOWrapper(raw, encoding="utf-8"))
        rows = [row for row in rows if row["month"] == "1" and row["origin"] in origins]
        return dict(Counter(row["carrier"] for row in rows if wanted(row)))


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
