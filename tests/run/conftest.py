"""Worlds for the steps: source and target on one server, or on two."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from tests.run import world as worlds
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
