"""What tests share: a real server, a database of their own, and how many random cases they try."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from pymongo import MongoClient
from pymongo.database import Database

from dashpipe import embedded

Document = dict[str, Any]

#: `quick` for `make test`, `ci` for .ci/run, `nightly` for `make nightly`.
PROFILE = os.environ.get("DASHPIPE_PROFILE", "quick")
BUILD = os.environ.get("DASHPIPE_TEST_BUILD", embedded.PYTHON)

#: How coverage tells a process that it is measured.
MEASURED = "COVERAGE_PROCESS_CONFIG"

_common = {"deadline": None, "print_blob": True, "suppress_health_check": list(HealthCheck)}
settings.register_profile("quick", max_examples=15, **_common)
settings.register_profile("ci", max_examples=100, **_common)
settings.register_profile("nightly", max_examples=2_000, **_common)
settings.load_profile(PROFILE)


def pytest_configure(config: pytest.Config) -> None:
    """Give every run a seed that is said aloud, so that a red run can be made again.

    A change is judged by the cases that the one before it passed; what nobody has tried yet is tried at
    night, where a rare defect that it did not make stops no one.
    """
    if getattr(config.option, "hypothesis_seed", None) is None:
        drawn = int.from_bytes(os.urandom(4), "big") if PROFILE == "nightly" else 1
        config.option.hypothesis_seed = int(os.environ.setdefault("DASHPIPE_SEED", str(drawn)))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that workers end together.

    Measuring doubles the time of Python's part, so what random cases or slow tests alone reach counts as not
    covered: the percentage is a lower bound.
    """
    for item in items:
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker(pytest.mark.drawn)
        if item.get_closest_marker("drawn") or item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.no_cover)
    items.sort(key=lambda item: item.get_closest_marker("no_cover") is None)


@contextmanager
def unmeasured() -> Iterator[None]:
    """Processes that are started meanwhile are not measured by coverage, which doubles their time."""
    kept = os.environ.pop(MEASURED, None)
    try:
        yield
    finally:
        if kept is not None:
            os.environ[MEASURED] = kept


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Where a test is not measured, neither are the processes that it starts."""
    with unmeasured() if item.get_closest_marker("no_cover") else nullcontext():
        return (yield)


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say which server the tests talk to, how many random cases they try, and with which seed."""
    given = os.environ.get("DASHPIPE_TEST_URI")
    server = re.sub(r"//[^@/]*@", "//…@", given) if given else f"the embedded {BUILD}, one a test process"
    return [
        f"server: {server}",
        f"random cases: profile {PROFILE}, {settings().max_examples} a property (all: DASHPIPE_PROFILE=ci)",
        f"seed: {config.option.hypothesis_seed} (again with DASHPIPE_SEED={config.option.hypothesis_seed})",
    ]


@pytest.fixture(scope="session")
def mongo_uri() -> Iterator[str]:
    """The URI, without a database, of a real server: DASHPIPE_TEST_URI, else an embedded one."""
    given = os.environ.get("DASHPIPE_TEST_URI")
    if given:
        yield given
        return
    yield from _server()


@pytest.fixture(scope="session")
def second_uri() -> Iterator[str]:
    """The URI of a second server: another cluster."""
    yield from _server()


def _server() -> Iterator[str]:
    with ExitStack() as stack:
        with unmeasured():
            server = stack.enter_context(embedded.start(build=BUILD))
        yield server.uri


@pytest.fixture(scope="session")
def mongo(mongo_uri: str) -> Iterator[MongoClient[Document]]:
    """A client of the server; instants are read as aware UTC."""
    with MongoClient[Document](mongo_uri, tz_aware=True) as client:
        yield client


@pytest.fixture
def database(mongo: MongoClient[Document]) -> Iterator[Database[Document]]:
    """A fresh database, dropped afterwards."""
    name = f"test_{uuid.uuid4().hex[:16]}"
    yield mongo[name]
    mongo.drop_database(name)
