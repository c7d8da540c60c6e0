"""Connections under Airflow: its own where one is defined, else the variable; a password is in no text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pymongo.uri_parser import parse_uri

from dashpipe.run.errors import Refused


def define(monkeypatch: pytest.MonkeyPatch, **connection: Any) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_DASHPIPE_SOURCE", json.dumps({"conn_type": "mongo", **connection}))


def test_an_airflow_connection_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Host, user, database and options of the Connection are in the URI; the password is not shown."""
    from dashpipe.airflow.connections import finder

    define(
        monkeypatch,
        host="db.example.com",
        port=27018,
        login="reader",
        password="s3cret/@",
        schema="app",
        extra={"authSource": "admin", "tls": True, "maxPoolSize": 5},
    )
    found = finder({"DASHPIPE_SOURCE_URI": "mongodb://localhost/other"})("source")
    assert found is not None
    assert found.where == "Airflow Connection dashpipe_source"
    assert "s3cret" not in repr(found)
    parsed = parse_uri(found.uri)
    assert parsed["nodelist"] == [("db.example.com", 27018)]
    assert (parsed["username"], parsed["password"], parsed["database"]) == ("reader", "s3cret/@", "app")
    assert parsed["options"]["authSource"] == "admin"
    assert parsed["options"]["tls"] is True
    assert parsed["options"]["maxPoolSize"] == 5


def test_several_hosts_and_no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of hosts stays one; without a database the options still follow a slash."""
    from dashpipe.airflow.connections import finder

    define(monkeypatch, host="a.example.com:27017,b.example.com:27018", extra={"replicaSet": "rs0"})
    found = finder({})("source")
    assert found is not None
    assert found.uri == "mongodb://a.example.com:27017,b.example.com:27018/?replicaSet=rs0"


def test_allow_insecure_keeps_the_link_encrypted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider drops ``ssl`` where ``allow_insecure`` is set, and TLS with it; the URI asks for TLS."""
    from dashpipe.airflow.connections import finder

    define(monkeypatch, host="db.example.com", schema="app", extra={"ssl": True, "allow_insecure": True})
    found = finder({})("source")
    assert found is not None
    options = parse_uri(found.uri)["options"]
    assert options["tls"] is True
    assert options["tlsAllowInvalidCertificates"] is True


def test_another_type_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Connection of another type is no way to a MongoDB server: says which type it is to have."""
    from dashpipe.airflow.connections import finder

    monkeypatch.setenv("AIRFLOW_CONN_DASHPIPE_SOURCE", json.dumps({"conn_type": "postgres", "host": "x"}))
    with pytest.raises(Refused, match=r"dashpipe_source is not fit.*its type is mongo"):
        finder({})("source")


def test_without_a_connection_the_variable_counts(airflow_database: Path) -> None:
    """Where Airflow knows no such Connection, it is the variable; where that is not set either, nothing."""
    from dashpipe.airflow.connections import finder

    find = finder({"DASHPIPE_TARGET_URI": "mongodb://localhost/dash"})
    found = find("target")
    assert found is not None
    assert (found.uri, found.where) == ("mongodb://localhost/dash", "DASHPIPE_TARGET_URI")
    assert find("elsewhere") is None


def test_headers_stand_in_the_extra_of_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """An Airflow Connection of any type comes first, then the variable; what is not fit is not shown."""
    from dashpipe.airflow.connections import headers

    environ = {"DASHPIPE_API_HEADERS": '{"X-Key": "two"}'}
    find = headers(environ)
    assert find("api") == {"X-Key": "two"}
    assert find("other") is None
    for extra, found in (({"headers": {"X-Key": "one"}}, {"X-Key": "one"}), ({"headers": "s3cret"}, None)):
        text = json.dumps({"conn_type": "http", "host": "api.example.com", "extra": extra})
        monkeypatch.setenv("AIRFLOW_CONN_DASHPIPE_API", text)
        if found is not None:
            assert find("api") == found
            continue
        with pytest.raises(Refused, match="the headers in the extra of dashpipe_api are not fit") as error:
            find("api")
        assert "s3cret" not in str(error.value)
