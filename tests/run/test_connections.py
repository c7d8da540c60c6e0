"""Connections: found by name, refused in plain words, and told apart by their cluster."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo import MongoClient

from dashpipe import embedded
from dashpipe.run.base import Place
from dashpipe.run.connections import Connections, from_environment, variable
from dashpipe.run.errors import Refused
from tests.conftest import BUILD

Document = dict[str, Any]


def connections(**environ: str) -> Connections:
    return Connections(from_environment(environ))


def test_a_connection_is_the_variable_of_its_name(mongo_uri: str) -> None:
    """``reviews`` is ``DASHPIPE_REVIEWS_URI``, with the database in its path."""
    assert variable("reviews") == "DASHPIPE_REVIEWS_URI"
    found = connections(DASHPIPE_REVIEWS_URI=mongo_uri.replace("/?", "/shop?"))
    assert found.database("reviews").name == "shop"
    assert found.where("reviews") == "DASHPIPE_REVIEWS_URI"
    assert found.client("reviews").admin.command("ping")["ok"] == 1
    found.close()


def test_a_connection_that_is_not_defined_says_which_variable_to_set() -> None:
    """The error names the variable and what goes into it."""
    with pytest.raises(Refused, match=r"`source` is not defined; set DASHPIPE_SOURCE_URI to a MongoDB URI"):
        connections().client("source")


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("mongodb://127.0.0.1:1", "has no database"),
        ("mongodb://127.0.0.1:1/?w=1", "has no database"),
        ("mongodb://u:hidden@127.0.0.1:none/shop", "is not fit"),
        ("http://u:hidden@127.0.0.1/shop", "is not fit"),
        ("hidden", "is not fit"),
        ("mongodb://u:hid/den@127.0.0.1/shop", "is not fit"),
        ("mongodb://u:hidden@db.example.com/shop", "without TLS"),
        ("mongodb://127.0.0.1,db.example.com/shop?tls=false", "without TLS"),
    ],
)
def test_a_uri_that_is_not_fit_is_refused_and_never_shown(uri: str, said: str) -> None:
    """What is wrong is said, with the variable's name, and no part of the URI that could be a password."""
    with pytest.raises(Refused) as refusal:
        connections(DASHPIPE_SOURCE_URI=uri).client("source")
    text = str(refusal.value)
    assert said in text
    assert "DASHPIPE_SOURCE_URI" in text
    assert "hid" not in text


@pytest.mark.parametrize(
    "uri",
    [
        "mongodb://u:p@db.example.com/shop?tls=true",
        "mongodb://localhost/shop",
        "mongodb://[::1]:27017/shop",
        "mongodb://mongo:27017/shop",
    ],
)
def test_tls_is_asked_of_other_machines_only(uri: str) -> None:
    """This machine and a neighbour of a private network may go without; so may who uses TLS."""
    found = connections(DASHPIPE_SOURCE_URI=uri)
    assert found.database("source").name == "shop"
    found.close()


def test_two_connections_to_one_server_are_one_cluster(mongo_uri: str) -> None:
    """Different texts, users' databases and options do not matter; two servers of one set name do."""
    with embedded.start(build=BUILD) as other:
        found = connections(
            DASHPIPE_SOURCE_URI=mongo_uri.replace("/?", "/a?"),
            DASHPIPE_TARGET_URI=mongo_uri.replace("/?", "/b?") + "&appname=x",
            DASHPIPE_OTHER_URI=other.database_uri("a"),
        )
        assert found.same_cluster("source", "target")
        assert not found.same_cluster("source", "other")
        assert found.may_read("target", Place("source", "a", "things"))
        found.close()


def test_instants_are_read_as_aware_utc(mongo: MongoClient[Document], mongo_uri: str) -> None:
    """Naive times would be compared wrongly with the clock."""
    found = connections(DASHPIPE_SOURCE_URI=mongo_uri.replace("/?", "/a?"))
    from datetime import datetime, timezone

    at = datetime(2024, 3, 31, 1, tzinfo=timezone.utc)
    mongo["a"]["times"].replace_one({"_id": 1}, {"_id": 1, "at": at}, upsert=True)
    stored = found.database("source")["times"].find_one({"_id": 1})
    mongo.drop_database("a")
    found.close()
    assert stored is not None
    assert stored["at"] == at
