"""A second server, for sources that are on a cluster of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dashpipe import embedded
from tests.conftest import BUILD


@pytest.fixture(scope="module")
def second_uri() -> Iterator[str]:
    """The URI of a second server: another cluster."""
    with embedded.start(build=BUILD) as server:
        yield server.uri
