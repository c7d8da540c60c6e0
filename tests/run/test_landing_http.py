"""Sources from HTTP endpoints: landed page by page, what changed asked for, and only from allowed hosts."""

from __future__ import annotations

import json
import signal
import socket
from collections import defaultdict
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from dashpipe.run import state, status, takeover
from dashpipe.run.errors import Refused, RunError
from dashpipe.run.landing import web as client
from dashpipe.spec.hosts import Site, allowed, loopback, public, site
from dashpipe.spec.model import Field, Http, Source, Subject, Time
from tests.run import landed, shop, victim, web
from tests.run.landed import Yard
from tests.run.web import Api

Document = dict[str, Any]

ZONE = shop.ZONE
FIELDS = (
    Field("id", "integer"),
    Field("shop", "string"),
    Field("pieces", "integer"),
    Field("paid", "decimal"),
)


def _any_rows(api: Api, path: str, given: dict[str, str]) -> web.Answer:
    """An answer of a server whose rows are not all objects."""
    start = int(given.get("after", "0"))
    more = start + api.size < len(api.rows)
    body = {"data": {"orders": api.rows[start : start + api.size]}}
    meta = {"cursor": str(start + api.size) if more else None}
    return 200, {}, json.dumps({**body, "meta": meta}).encode()


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait a moment between tries."""
    monkeypatch.setattr(client, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(takeover, "LONGEST_WRITE", 0.2)


def subject(api: Api, path: str = "/next", **more: Any) -> Subject:
    """The subject over an endpoint."""
    paging: Document = {
        "/next": {"by": "next", "path": "meta.next"},
        "/cursor": {"by": "cursor", "path": "meta.cursor", "parameter": "after"},
        "/page": {"by": "page", "parameter": "page"},
        "/all": {"items": None},
    }[path]
    given: Document = {"items": "data.orders", **paging, **more}
    source = Source(
        "orders",
        "raw_orders",
        Time("at"),
        connection="target",
        updated=Time("changed"),
        http=Http(api.url(path), ("id",), **given),
        fields=FIELDS,
        dimensions=landed.SOURCE.dimensions,
    )
    metrics = tuple(one for one in landed.SUBJECT.metrics if one.name != "weight")
    return replace(landed.SUBJECT, sources=(source,), metrics=metrics)


def counted(api: Api) -> dict[str, tuple[int, int, Decimal]]:
    """The rows of the days, counted by hand."""
    found: dict[str, list[Document]] = defaultdict(list)
    for one in api.rows:
        day = datetime.fromisoformat(one["at"]).astimezone(ZONE).date()
        found[f"{day}|{one['shop'] or shop._key(None)}"].append(one)
    return {
        key: (
            len(some),
            sum(one["pieces"] for one in some),
            sum((Decimal(one["paid"]) for one in some), Decimal()),
        )
        for key, some in found.items()
    }


def shown(yard: Yard) -> dict[str, tuple[int, int, Decimal]]:
    return {key: (one["orders"], one["pieces"], one["paid"].to_decimal()) for key, one in yard.rows().items()}


@pytest.mark.parametrize("path", ["/next", "/cursor", "/page", "/all"])
def test_pages_are_landed_and_counted(yard: Yard, api: Api, path: str) -> None:
    """Each way of paging brings every row once, however large pages and batches are."""
    done = yard.go(subject(api, path))
    assert shown(yard) == counted(api)
    told = done["steps"]["extract_orders"]["landed"]
    pages = {"/all": 1, "/page": 6}.get(path, 5)
    assert (told["requests"], told["rows"], told["inserted"]) == (pages, 30, 30)


def test_without_since_the_collection_is_what_is_there(yard: Yard, api: Api) -> None:
    """A row that changed is replaced, one that is gone is removed, and their days are computed again."""
    yard.go(subject(api))
    api.rows = [*web.orders(range(3, 40))]
    api.rows[4]["pieces"] = 777
    api.rows[5]["at"] = "2024-03-09T12:00:00+08:00"
    done = yard.go(subject(api), start=date(2024, 3, 10))
    told = done["steps"]["extract_orders"]["landed"]
    assert (told["inserted"], told["changed"], told["same"], told["removed"]) == (9, 2, 26, 2)
    assert yard.stale() != set()
    yard.go(subject(api), start=None, end=None)
    assert shown(yard) == counted(api)
    assert yard.stale() == set()


def test_since_asks_for_what_changed(yard: Yard, api: Api) -> None:
    """The second run asks from ten minutes before the newest change on, and removes nothing."""
    one = subject(api, since="since")
    yard.go(one)
    assert all("since" not in given for _, given, _ in api.asked)
    api.asked.clear()
    api.rows += web.orders(range(31, 36), day=2)
    api.rows[3] = {**api.rows[3], "pieces": 500, "changed": "2024-03-02T08:00:00Z"}
    done = yard.go(one)
    assert {given["since"] for _, given, _ in api.asked} == {"2024-03-01T00:20:00Z"}
    told = done["steps"]["extract_orders"]["landed"]
    assert (told["inserted"], told["changed"], told["removed"]) == (5, 1, 0)
    assert shown(yard) == counted(api)
    api.asked.clear()
    yard.go(one)
    assert {given["since"] for _, given, _ in api.asked} == {"2024-03-02T07:50:00Z"}


def test_a_changed_type_reads_all_again(yard: Yard, api: Api) -> None:
    """Where rows become other documents, what changed is not enough."""
    one = subject(api, since="since")
    yard.go(one)
    api.asked.clear()
    fields = tuple(replace(each, type="number") if each.path == "pieces" else each for each in FIELDS)
    yard.go(replace(one, sources=(replace(one.sources[0], fields=fields),)))
    assert all("since" not in given for _, given, _ in api.asked)


def test_failures_are_tried_again(yard: Yard, api: Api) -> None:
    """429 with `Retry-After`, 5xx, and an answer that is cut off: the next try brings the page."""
    kinds = iter(
        [
            (429, {"Retry-After": "0"}, b""),
            (503, {}, b"down"),
            None,
            (200, {"Content-Length": "999"}, b"[{"),
            None,
            (500, {}, b""),
        ]
    )
    api.instead = lambda *_: next(kinds, None)
    done = yard.go(subject(api))
    assert shown(yard) == counted(api)
    assert done["steps"]["extract_orders"]["landed"]["requests"] == 9


def test_it_waits_as_long_as_it_is_asked_to(yard: Yard, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """`Retry-After` goes before our own delay; one beyond our patience ends the try."""
    monkeypatch.setattr(client, "FIRST_WAIT", 60.0)
    answers = iter([(429, {"Retry-After": "1"}, b"")])
    api.instead = lambda *_: next(answers, None)
    yard.go(subject(api))
    assert shown(yard) == counted(api)
    api.instead = lambda *_: (429, {"Retry-After": "86400"}, b"")
    with pytest.raises(RunError, match="answers 429 and asks to wait 86400 s") as error:
        yard.go(subject(api))
    assert error.value.retry


def test_an_endpoint_that_is_down_leaves_the_last_good_rows(yard: Yard, api: Api) -> None:
    """After all tries the run fails, to be tried again; a slow one is down too."""
    yard.go(subject(api))
    before = yard.rows()
    api.instead = lambda *_: (502, {}, b"")
    with pytest.raises(RunError, match=r"answers 502 \(tried 5 times") as error:
        yard.go(subject(api))
    assert error.value.retry
    assert yard.rows() == before


def test_a_slow_endpoint_is_given_up(yard: Yard, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence ends a try."""
    monkeypatch.setattr(client, "_SILENCE", 0.05)
    monkeypatch.setattr(client, "TRIES", 2)
    api.pause = 0.5
    with pytest.raises(RunError, match=r"does not answer in time \(tried 2 times"):
        yard.go(subject(api))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((401, {}, b""), "answers 401"),
        ((404, {}, b""), "answers 404"),
        ((200, {}, b"<html>"), "answers with a web page or XML"),
        ((200, {}, b'{"data": 1}'), "`data.orders` of its answer is no list"),
        (
            (200, {}, b'{"data": {"orders": [{"pieces": 7}]}}'),
            "1 of 1 rows cannot be read, .* 0.1 %; .* is NULL",
        ),
        ((302, {"Location": "http://127.0.0.1:1/x?key=secret"}, b""), "redirects to http://127.0.0.1:1/x,"),
    ],
)
def test_a_wrong_answer_is_told(yard: Yard, api: Api, answer: web.Answer, said: str) -> None:
    """What cannot be landed stops the run and says where; nothing of it is landed."""
    api.instead = lambda *_: answer
    with pytest.raises(RunError, match=said):
        yard.go(subject(api))
    assert yard.raw() == {}
    assert len(api.asked) == 1


def test_a_bad_row_is_left_out_and_told(yard: Yard, api: Api) -> None:
    """No object, no key, a number beyond 64 bits: these are told, the others of their pages count."""
    good = list(api.rows)
    changed = {"changed": "2024-03-01"}
    bad: list[Any] = ["c4n4ry", {**changed, "shop": "c4n4ry"}, {**changed, "id": 99, "n": 2**64}]
    api.rows = [*good[:9], *bad, {**changed, "id": [1]}]
    api.rows += good[9:]
    api.answer = partial(_any_rows, api)  # type: ignore[method-assign]
    said: list[str] = []
    one = subject(api, "/cursor", max_bad=0.2)
    done = yard.go(one, lambda event, /, **fields: said.append(str(fields.get("text"))))
    told = done["steps"]["extract_orders"]
    assert (told["landed"]["rows"], told["landed"]["bad"], told["landed"]["inserted"]) == (34, 4, 30)
    assert [text.partition(": ")[2] for text in told["landed"]["bad_rows"]] == [
        "row 10 of this reading: it is no JSON object",
        "row 11 of this reading: `id` of its key is NULL",
        "row 12 of this reading: `n` is beyond 64 bits: declare it `decimal` or `number`",
        "row 13 of this reading: `id` of its key is no text, whole number, date or id",
    ]
    assert told["warnings"][0].startswith("4 rows of orders cannot be read and count nowhere; the first: ")
    assert status.find(yard.target, one).runs[0]["bad_rows"] == {"orders": 4}
    assert "c4n4ry" not in " ".join([*said, str(done)])
    api.rows = good
    assert shown(yard) == counted(api)


def test_too_many_bad_rows_fail_the_run_and_remove_nothing(yard: Yard, api: Api) -> None:
    """The good ones are landed; the next run reads from the begin, and takes away what is gone."""
    good = list(api.rows)
    yard.go(subject(api))
    before = yard.rows()
    api.rows = [{**one, "id": None} if number < 2 else one for number, one in enumerate(good[5:])]
    api.rows += web.orders(range(31, 34))
    with pytest.raises(RunError, match=r"^2 of 28 rows cannot be read, which is more than 5 %; .*: row 1 of"):
        yard.go(subject(api, max_bad=0.05))
    assert len(yard.raw()) == 33
    assert yard.rows() == before
    api.asked.clear()
    api.rows = [*good[5:], *web.orders(range(31, 34))]
    yard.go(subject(api, max_bad=0.05))
    assert [given.get("after") for _, given, _ in api.asked] == [None, "7", "14", "21"]
    assert shown(yard) == counted(api)


def test_bad_rows_stay_counted_where_only_changes_are_asked_for(yard: Yard, api: Api) -> None:
    """While there are any, each reading asks from the same instant and removes nothing; then it moves on."""
    one = subject(api, since="since", max_bad=0.1)
    yard.go(one)
    late = web.orders(range(31, 34), day=2)
    api.rows += [late[0], {**late[1], "id": None}, late[2]]

    def go(*, bad: int, since: str | None) -> None:
        api.asked.clear()
        done = yard.go(one)
        assert done["steps"]["extract_orders"]["landed"]["bad"] == bad
        assert {given.get("since") for _, given, _ in api.asked} == {since}

    go(bad=1, since="2024-03-01T00:20:00Z")
    # Newer changes do not hide it, and it is of 34 rows, not of the few that were asked for.
    api.rows += web.orders(range(40, 42), day=3)
    go(bad=1, since="2024-03-01T00:20:00Z")
    api.rows[31] = late[1]  # mended, though its `updated` says that nothing changed
    go(bad=0, since="2024-03-01T00:20:00Z")
    assert shown(yard) == counted(api)
    go(bad=0, since="2024-03-03T00:31:00Z")
    assert {int(key) for key in yard.raw()} == {each["id"] for each in api.rows}


def test_a_first_reading_with_bad_rows_is_made_again(yard: Yard, api: Api) -> None:
    """All is asked for again, and what the endpoint lists no more stays: with `since` nothing is removed."""
    one = subject(api, since="since", max_bad=0.1)
    bad, api.rows[3] = api.rows[3], {**api.rows[3], "id": None}
    assert yard.go(one)["steps"]["extract_orders"]["landed"]["bad"] == 1
    kept = api.rows[:3]
    api.rows = [bad, *api.rows[4:]]
    api.asked.clear()
    landed_ = yard.go(one)["steps"]["extract_orders"]["landed"]
    assert (landed_["bad"], landed_["inserted"], landed_["removed"]) == (0, 1, 0)
    assert all("since" not in given for _, given, _ in api.asked)
    api.rows += kept
    assert shown(yard) == counted(api)


def test_a_reading_that_stops_remembers_its_bad_rows(yard: Yard, api: Api) -> None:
    """The run that goes on counts those of the pages before too."""
    bad, api.rows[3] = api.rows[3], {**api.rows[3], "id": None}
    one = subject(api, "/cursor", max_bad=0.1)
    api.instead = lambda _, given: (403, {}, b"") if given.get("after") == "14" else None
    with pytest.raises(RunError, match="answers 403"):
        yard.go(one)
    api.instead = None
    told = yard.go(one)["steps"]["extract_orders"]["landed"]
    assert (told["requests"], told["bad"]) == (3, 1)
    assert told["bad_rows"][0].endswith("row 4 of this reading: `id` of its key is NULL")
    api.rows[3] = bad
    yard.go(one)
    assert shown(yard) == counted(api)


def test_a_next_page_elsewhere_is_refused(yard: Yard, api: Api) -> None:
    """Headers go to the host of `url` alone."""
    body = b'{"data": {"orders": []}, "meta": {"next": "http://localhost:1/more"}}'
    api.instead = lambda *_: (200, {}, body)
    with pytest.raises(Refused, match="names a next page on another host"):
        yard.go(subject(api))


def test_pages_that_do_not_end_are_noticed(yard: Yard, api: Api) -> None:
    """An endpoint that does not know the parameter answers the first page again."""
    body = api.answer("/page", {"page": "1"})
    api.instead = lambda *_: body
    with pytest.raises(RunError, match="answers the same page again"):
        yard.go(subject(api, "/page"))


def test_headers_come_from_the_connection(yard: Yard, api: Api) -> None:
    """The headers of the environment are sent, and told nowhere; without them the run is refused."""
    one = subject(api, connection="api")
    with pytest.raises(Refused, match="the connection `api` has no headers"):
        yard.go(one)
    said: list[str] = []

    def say(event: str, **fields: Any) -> None:
        said.append(f"{event} {fields}")

    yard.environ = {"DASHPIPE_API_HEADERS": '{"Authorization": "Bearer c4n4ry"}'}
    done = yard.go(one, say)
    assert {given["Authorization"] for _, _, given in api.asked} == {"Bearer c4n4ry"}
    kept = [str(list(yard.target[name].find())) for name in yard.target.list_collection_names()]
    assert "c4n4ry" not in " ".join([*said, str(done), *kept])
    yard.environ = {"DASHPIPE_API_HEADERS": '{"Authorization": "c4n4ry\\r\\nX: 1"}'}
    with pytest.raises(Refused, match="the headers in DASHPIPE_API_HEADERS are not fit") as error:
        yard.go(one)
    assert "c4n4ry" not in str(error.value)


def test_hosts_that_are_not_allowed_are_refused(
    yard: Yard, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither another port, nor another name of the machine, nor a name that leads into a private network."""
    for hosts in ((), ("127.0.0.1",), (f"localhost:{api.port}",), ("127.0.0.1:*",)):
        yard.hosts = hosts
        with pytest.raises(Refused, match="does not allow"):
            yard.go(subject(api))
    for url, hosts in (
        ("https://10.0.0.7/x", ("10.0.0.7",)),
        ("https://inside.example.com/x", ("inside.example.com",)),
    ):
        answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 443)) for one in ("8.8.8.8", "10.0.0.7")]
        monkeypatch.setattr(socket, "getaddrinfo", lambda host, *_, answer=answer, **__: answer)
        one = client.Client(hosts, {}, lambda *_, **__: None, lambda: None)
        with pytest.raises(Refused, match=r"is at 10\.0\.0\.7, an address of a private network"):
            one.get(url)
    with pytest.raises(Refused, match="is not encrypted"):
        client.Client(("inside.example.com:80",), {}, lambda *_, **__: None, lambda: None).get(
            "http://inside.example.com/x"
        )
    assert api.asked == []


@pytest.mark.parametrize(
    ("address", "fits"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fd00::1", False),
        ("fe80::1%eth0", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::", False),
    ],
)
def test_addresses_of_the_public_internet(address: str, fits: bool) -> None:
    """What is private, reserved or of this machine is not, also where a longer address holds it."""
    assert public(address) is fits


def test_hosts_by_name_and_port() -> None:
    """An entry is a host, with a port where that is not https's; nothing is a pattern."""
    assert site("https://API.example.com/x?y") == Site("https", "api.example.com", 443)
    assert site("http://api.example.com") == Site("http", "api.example.com", 80)
    assert site("https://user@api.example.com/") is None
    assert site("file:///etc/passwd") is None
    one = Site("https", "api.example.com", 443)
    assert allowed(["api.example.com"], one)
    assert not allowed(["*.example.com", "example.com", "api.example.com:8443"], one)
    assert allowed(["api.example.com:8443"], one._replace(port=8443))
    assert loopback("localhost")
    assert loopback("::1")
    assert not loopback("localhost.example.com")


def test_a_reading_that_stopped_goes_on(yard: Yard, api: Api) -> None:
    """What was landed is not asked for again; where a page's mark is not known any more, it begins anew."""
    one = subject(api, "/cursor")
    api.instead = lambda _, given: (403, {}, b"") if given.get("after") == "14" else None
    with pytest.raises(RunError, match="answers 403"):
        yard.go(one)
    assert len(yard.raw()) == 14
    api.asked.clear()
    api.instead = None
    yard.go(one)
    assert [given.get("after") for _, given, _ in api.asked] == ["14", "21", "28"]
    assert shown(yard) == counted(api)
    api.instead = lambda _, given: (403, {}, b"") if given.get("after") == "14" else None
    with pytest.raises(RunError):
        yard.go(one)
    api.asked.clear()
    api.instead = lambda _, given: (
        (410, {}, b"") if given.get("after") == "14" and len(api.asked) == 1 else None
    )
    yard.go(one)
    assert [given.get("after") for _, given, _ in api.asked] == ["14", None, "7", "14", "21", "28"]
    assert shown(yard) == counted(api)


@pytest.mark.slow  # many runs and processes; `make test` kills plain runs
def test_a_landing_killed_before_any_write_is_made_good(yard: Yard, api: Api) -> None:
    """With kill −9 before the n-th write, then another run: the same documents, rows and bad rows."""
    bad = (3, 20, 36)
    one = subject(api, max_bad=0.1)
    yard.go(one, run_id="dag/yesterday")
    api.rows = web.orders(range(4, 41))
    api.rows[4]["pieces"] = 777
    good = replace(api, rows=[each for at, each in enumerate(api.rows) if at not in bad])
    api.rows = [{**each, "id": None} if at in bad else each for at, each in enumerate(api.rows)]
    number, killed = 1, 0
    while True:
        with landed.copied(yard) as here:
            setup = {"allow_hosts": here.hosts, "batch_size": 4}
            asked: Document = {"start": date(2024, 3, 1), "end": date(2024, 3, 11), "now": landed.NOW}
            process, told = victim.start(
                here.uri,
                here.source.name,
                here.target.name,
                number,
                signal.SIGKILL,
                run_id="dag/victim",
                subject=one,
                setup=setup,
                **asked,
            )
            process.join()
            here.target.client.admin.command({"killAllSessions": []})
            record = here.target[state.RUNS].find_one({"_id": "dag/victim"}) or {"receipts": {}}
            if process.exitcode == 0 or "extract_orders" in record["receipts"]:
                break
            assert process.exitcode == -signal.SIGKILL, told.value
            killed += 1
            shop.expire(here.target, one.id)
            done = here.go(one, run_id="dag/another")
            assert done["steps"]["extract_orders"]["landed"]["bad"] == len(bad)
            assert {int(key) for key in here.raw()} == {each["id"] for each in good.rows}
            assert shown(here) == counted(good), f"killed before write {number}"
            assert here.stale() == set()
        number += 9
    assert killed > 2
