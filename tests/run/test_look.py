"""What `doctor` says of files and endpoints: what a run would find there, without landing anything."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import Any

import pytest

from dashpipe.run import doctor
from dashpipe.spec.model import Field, Subject, Time
from tests.run import landed, web
from tests.run.landed import Yard
from tests.run.test_landing import csv
from tests.run.test_landing_http import subject
from tests.run.web import Api

Document = dict[str, Any]


def said(yard: Yard, one: Subject) -> list[tuple[str, str]]:
    """What is said of the source, and that nothing came of it."""
    setup = yard.setup()
    try:
        found = [each for each in doctor.examine([one], setup) if each.said.startswith("source ")]
    finally:
        setup.connections.close()
    assert yard.raw() == {}
    assert "dashpipe_landings" not in yard.target.list_collection_names()
    return [(each.level, each.said.removeprefix("source orders: ")) for each in found]


NOT_YET = ("ok", "nothing is landed in raw_orders yet")


def test_an_endpoint_that_is_well(yard: Yard, api: Api) -> None:
    """It is asked for one page; how many rows that has, and whether another one follows."""
    url = api.url("/next")
    assert said(yard, subject(api)) == [
        ("ok", f"{url} answers with 7 rows; another page follows"),
        NOT_YET,
    ]
    assert len(api.asked) == 1


WRONG: dict[str, tuple[web.Answer, str]] = {
    "down": ((503, {}, b""), "answers 503 (tried 1 time)"),
    "forbidden": ((401, {}, b""), "answers 401 Unauthorized"),
    "no JSON": ((200, {}, b"oops"), "does not answer in JSON (Expecting value: line 1 column 1 (char 0))"),
    "a page": ((200, {}, b"\n<html>"), "/next answers with a web page or XML"),
    "no list": ((200, {}, b'{"data": {}}'), ": `data.orders` of its answer is no list"),
    "elsewhere": (
        (301, {"Location": "http://127.0.0.1/x?k=c4n4ry"}, b""),
        "redirects to http://127.0.0.1/x,",
    ),
    "no key": (
        (200, {}, b'{"data": {"orders": [{"c4n4ry": 1}, {"id": 1}]}}'),
        "1 of 2 rows cannot be read, which is more than 0.1 %; URL: row 1: `id` of its key is NULL",
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_an_endpoint_where_a_run_would_fail(yard: Yard, api: Api, kind: str) -> None:
    """Each is a failure that says what is wrong, after one request; keys are not shown."""
    answer, wanted = WRONG[kind]
    api.instead = lambda *_: answer
    yard.environ = {"DASHPIPE_API_HEADERS": '{"Authorization": "Bearer c4n4ry"}'}
    one = subject(api, "/next", connection="api")
    http = one.sources[0].http
    assert http is not None
    one = replace(one, sources=(replace(one.sources[0], http=replace(http, url=f"{http.url}?key=c4n4ry")),))
    (level, text), after = said(yard, one)
    assert (level, after) == ("failure", NOT_YET)
    assert wanted.replace("URL", api.url("/next")) in text
    assert "c4n4ry" not in text
    assert len(api.asked) == 1


def test_an_endpoint_that_may_not_be_asked(yard: Yard, api: Api) -> None:
    """A host that is not allowed, headers that are not there, and a port where nothing listens."""
    yard.hosts = ()
    assert said(yard, subject(api))[0] == ("failure", f"dashpipe.toml does not allow {api.url('/next')}")
    yard.hosts = (api.host,)
    assert said(yard, subject(api, connection="api"))[0] == ("failure", "the connection `api` has no headers")
    assert api.asked == []
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        one = subject(replace(api, port=other.getsockname()[1]))
        yard.hosts = (f"127.0.0.1:{other.getsockname()[1]}",)
        level, text = said(yard, one)[0]
    assert level == "failure"
    assert "cannot be reached (ConnectionRefusedError" in text


def test_doubts_about_an_endpoint(yard: Yard, api: Api) -> None:
    """No rows, no next page, a bad row among many, a field that no row has: warnings."""
    (source,) = subject(api, "/cursor").sources
    assert source.http is not None
    source = replace(source, http=replace(source.http, path="meta.token"), time=Time("made_at"))
    one = replace(subject(api), sources=(replace(source, fields=(*source.fields, Field("size", "integer"))),))
    url = api.url("/cursor")
    assert said(yard, one) == [
        ("ok", f"{url} answers with 7 rows; no page follows"),
        ("warning", "no row has `made_at`"),
        ("warning", "no row has `size`"),
        ("warning", f"{url} names no next page at `meta.token`"),
        NOT_YET,
    ]
    api.rows[2]["id"] = None
    found = said(yard, subject(api, max_bad=0.5))
    assert found[1] == (
        "warning",
        f"1 of 7 rows cannot be read: {api.url('/next')}: row 3: `id` of its key is NULL",
    )
    api.rows = []
    assert said(yard, subject(api, "/page"))[1] == ("warning", f"{api.url('/page')} answers without any row")


def test_whether_changes_can_be_asked_for(yard: Yard, api: Api) -> None:
    """It is asked once more, since the newest change of the page: heeded, ignored, in vain, or refused."""
    api.rows = web.orders(range(1, 6)) + web.orders(range(6, 8), day=4)
    url = api.url("/all")
    one = subject(api, "/all", since="since")
    assert said(yard, one) == [
        ("ok", f"{url} answers with 7 rows; no page follows; `since` is heeded"),
        NOT_YET,
    ]
    assert [given for _, given, _ in api.asked] == [{}, {"since": "2024-03-03T23:57:00Z"}]
    asked = "asked for changes with `since=2024-03-03T23:57:00Z`"
    other = subject(api, "/all", since="changed_after")
    level, text = said(yard, other)[1]
    assert (level, text) == (
        "warning",
        f"{url} answers with older rows when it is {asked.replace('since=', 'changed_after=')}",
    )
    api.instead = lambda _, given: (200, {}, b"[]") if "since" in given else None
    level, text = said(yard, one)[1]
    assert (level, text) == (
        "warning",
        f"{url}, {asked}, answers without the row that changed at 2024-03-04 00:07:00 UTC",
    )
    api.instead = lambda _, given: (400, {}, b"no") if "since" in given else None
    assert said(yard, one)[0] == ("failure", f"{url}, asked for changes with `since`, answers 400")
    api.instead, api.rows = None, web.orders(range(1, 4))
    assert said(yard, one)[0][1].endswith(
        "`since` is taken; the rows are too close in time to tell whether it is heeded"
    )


def test_files(yard: Yard) -> None:
    """There and allowed, the last of many read; missing, not allowed, or of another form: a failure."""
    many = landed.of(replace(landed.FILE, path="data/*.csv"))
    level, text = said(yard, many)[0]
    assert (level, text) == ("failure", "there is no file data/*.csv")
    yard.write("data/a.csv", "x")
    yard.write("data/b.csv", csv(range(1, 31)))
    assert said(yard, many) == [("ok", "data/b.csv is there and allowed; 30 rows looked at"), NOT_YET]
    yard.write("data/c.csv", csv(range(1, 2)).replace("paid", "price"))
    assert ("warning", "no row has `paid`") in said(yard, many)
    yard.write("data/d.csv", "number,at\n1,2024-03-01\n")
    assert said(yard, many)[0] == (
        "failure",
        "1 of 1 rows cannot be read, which is more than 0.1 %; data/d.csv:2: `id` of its key is NULL",
    )
    yard.allow = ()
    assert said(yard, many)[0] == ("failure", "dashpipe.toml does not allow the file data/*.csv")


def test_after_a_run_its_collection_is_looked_at_too(yard: Yard, api: Api) -> None:
    """Then the documents and their index are those of any source."""
    yard.go(subject(api))
    setup = yard.setup()
    found = [each.said for each in doctor.examine([subject(api)], setup)]
    setup.connections.close()
    assert "source orders: an index serves at; computed on the server" in found
