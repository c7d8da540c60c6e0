"""The driver's errors in our words: which may pass by themselves, and which need a person."""

from __future__ import annotations

import pytest
from pymongo import errors as driver

from dashpipe.run.errors import Refused, RunError, SourceDown, translating


@pytest.mark.parametrize(
    ("error", "kind", "retry"),
    [
        (driver.ServerSelectionTimeoutError("no servers, Timeout: 30s, Topology: …"), SourceDown, True),
        (driver.NetworkTimeout("timed out"), SourceDown, True),
        (driver.NotPrimaryError("not primary"), SourceDown, True),
        (driver.OperationFailure("interrupted at shutdown", 11600), SourceDown, True),
        (
            driver.WriteError("conflict", 112, {"errorLabels": ["TransientTransactionError"]}),
            SourceDown,
            True,
        ),
        (driver.ExecutionTimeout("operation exceeded time limit", 50), RunError, True),
        (driver.OperationFailure("not authorized on shop", 13), Refused, False),
        (driver.OperationFailure("Authentication failed.", 18), Refused, False),
        (driver.OperationFailure("unknown operator", 168), RunError, False),
        (driver.ConfigurationError("bad option"), Refused, False),
        (driver.InvalidOperation("cursor is closed"), RunError, False),
    ],
)
def test_an_error_says_what_was_done_and_whether_to_try_again(
    error: Exception, kind: type[RunError], retry: bool
) -> None:
    """Network and failover errors may pass; a missing right or a bad pipeline does not."""
    with pytest.raises(RunError) as said, translating("reading the source orders"):
        raise error
    assert type(said.value) is kind
    assert said.value.retry is retry
    assert said.value.message.startswith("reading the source orders: ")
    assert "Topology" not in str(said.value)


def test_who_is_not_known_is_told_from_who_may_not() -> None:
    """A wrong password is one to correct at the connection, a missing right one to grant."""
    with pytest.raises(Refused) as unknown, translating("reaching DASHPIPE_SOURCE_URI"):
        raise driver.OperationFailure("Authentication failed.", 18)
    assert "does not take the user or its password" in unknown.value.message
    assert "authSource" in unknown.value.help
    with pytest.raises(Refused) as forbidden, translating("reading the source orders"):
        raise driver.OperationFailure("not authorized on shop", 13)
    assert "the user may not do this" in forbidden.value.message
    with pytest.raises(Refused) as later, translating("cleanup"):
        raise driver.AutoReconnect("Authentication failed.")
    assert "does not take the user or its password" in later.value.message


@pytest.mark.parametrize(
    ("text", "code"), [("No space left on device", 14031), ("you are over your space quota", 8000)]
)
def test_a_server_without_room_is_told_as_such(text: str, code: int) -> None:
    """Of a full disk or a used-up quota: no right is missing, and another try alone does not help."""
    with pytest.raises(RunError) as said, translating("writing dash_daily"):
        raise driver.OperationFailure(text, code)
    assert said.value.message == f"writing dash_daily: the server has no room left ({text})"
    assert not said.value.retry


def test_the_driver_s_timeouts_are_not_told() -> None:
    """Of a server that is not there its address and why stand in the message, not how long was waited."""
    text = "db:1: [Errno 111] Connection refused (configured timeouts: socketTimeoutMS: 20000.0ms, x: 1ms)"
    with pytest.raises(SourceDown) as said, translating("reaching DASHPIPE_SOURCE_URI"):
        raise driver.ServerSelectionTimeoutError(f"{text}, Timeout: 10s, Topology: …")
    assert said.value.message.endswith("does not answer (db:1: [Errno 111] Connection refused)")


def test_our_own_errors_pass_through() -> None:
    """What a step raises by itself is not wrapped."""
    with pytest.raises(Refused, match=r"^no$"), translating("x"):
        raise Refused("no")
