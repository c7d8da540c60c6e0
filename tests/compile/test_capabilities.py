"""The known answers of the probes, on every build of the embedded server that is here."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo import MongoClient

from dashpipe import embedded
from dashpipe.compile.capabilities import DOCUMENT, PROBES
from dashpipe.embedded.errors import EmbeddedError
from dashpipe.run import encode
from dashpipe.run.probe import _answers


@pytest.mark.parametrize("build", [embedded.PYTHON, embedded.NATIVE])
def test_probes_answer_rightly(build: str) -> None:
    """Both embedded builds have every capability: each known answer is the server's."""
    try:
        embedded.find_build(build)
    except EmbeddedError:
        pytest.skip(f"{build} is not installed here")
    with (
        embedded.start(build=build) as server,
        MongoClient[dict[str, Any]](server.uri, tz_aware=True) as client,
    ):
        scratch = client["probes"]["one"]
        scratch.insert_one(encode.to_bson(DOCUMENT))
        wrong = [one.name for one in PROBES if not _answers(scratch, one.stages, one.answer)]
        assert wrong == []
