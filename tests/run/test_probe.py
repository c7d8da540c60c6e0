"""Capabilities: probed by known answers, once a server build."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo.database import Database

from dashpipe.compile.capabilities import PROBES
from dashpipe.run import probe, state

Document = dict[str, Any]


def test_the_server_can_do_what_a_run_needs(database: Database[Document]) -> None:
    """Every probe of the server under test is answered rightly."""
    has = probe.probe(database)
    assert [name for name, able in has.items() if not able] == []
    assert set(has) == {one.name for one in PROBES} | set(probe.WRITES)
    assert database.list_collection_names() == []


def test_a_wrong_answer_counts_as_lacking(
    database: Database[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not acceptance but the answer decides; a number of another type is another answer."""
    from dataclasses import replace

    normal = next(one for one in PROBES if one.name == "union_with")
    wrong = replace(normal, answer=({"_id": None, "n": 2.0},))
    refused = replace(normal, name="refused", stages=({"$noSuchStage": {}},))
    monkeypatch.setattr(probe, "PROBES", (wrong, refused))
    has = probe.probe(database)
    assert has["union_with"] is False
    assert has["refused"] is False


def test_answers_are_kept_for_the_build(
    database: Database[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second run asks the stored answers; a new probe in dashpipe asks the server again."""
    first = probe.capabilities(database)
    assert database[state.CAPABILITIES].count_documents({}) == 1
    monkeypatch.setattr(probe, "probe", lambda _: pytest.fail("probed again"))
    assert probe.capabilities(database) == first
    monkeypatch.setattr(probe, "probe", lambda _: {"new": True})
    monkeypatch.setattr(probe, "WRITES", {**probe.WRITES, "new": ""})
    assert probe.capabilities(database) == {"new": True}


def test_whether_operations_are_shown_is_asked_once(
    database: Database[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer of one look is kept beside the others; neither look forgets the other's."""
    probe.capabilities(database)
    shown = probe.shows_operations(database)
    monkeypatch.setattr(probe, "_current_op", lambda _: pytest.fail("asked again"))
    assert probe.shows_operations(database) is shown
    monkeypatch.setattr(probe, "probe", lambda _: pytest.fail("probed again"))
    assert probe.capabilities(database)["transactions"] is True
