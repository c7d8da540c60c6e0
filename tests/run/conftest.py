"""Worlds for the steps: source and target on one server, or on two."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from tests.run import landed, web
from tests.run import world as worlds
from tests.run.landed import Yard
from tests.run.web import Api
from tests.run.world import World


@pytest.fixture
def world(mongo_uri: str) -> Iterator[World]:
    """Source and target on one cluster: the server route."""
    made = worlds.make(mongo_uri, f"test_{uuid.uuid4().hex[:12]}")
    yield made
    worlds.drop(made)


@pytest.fixture
def apart(mongo_uri: str, second_uri: str) -> Iterator[World]:
    """Source and target on two clusters: the cursor route."""
    made = worlds.make(mongo_uri, f"test_{uuid.uuid4().hex[:12]}", second_uri)
    yield made
    worlds.drop(made)


@pytest.fixture(params=["server", "cursor"])
def either(request: pytest.FixtureRequest) -> World:
    """Each route in turn."""
    found: World = request.getfixturevalue("world" if request.param == "server" else "apart")
    return found


@pytest.fixture
def yard(mongo: MongoClient[dict[str, Any]], mongo_uri: str, tmp_path: Path) -> Iterator[Yard]:
    """A fresh project over landed rows, with its databases."""
    with landed.open_yard(mongo, mongo_uri, tmp_path) as one:
        yield one


@pytest.fixture
def api(yard: Yard) -> Iterator[Api]:
    """An endpoint with thirty orders, which the project may reach."""
    with web.serving() as one:
        one.rows = web.orders(range(1, 31))
        yard.hosts = (one.host,)
        yield one
