"""What stops a step, said to the person who can act; ``retry`` tells whether another try may help.

RunError
├── LeaseHeld        another run holds the subject's lease
├── LeaseLost        another run took it from us
├── CheckFailed      a check with ``fail`` did
├── Refused          bad request or target, or a removal that is not plausible
└── SourceDown       a database does not answer
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any


class RunError(Exception):
    """A step that stopped.

    Attributes:
        message: What is wrong (lower case, no full stop).
        help: What to do.
        retry: Whether another try may help.
    """

    def __init__(self, message: str, help: str = "", *, retry: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.help = help
        self.retry = retry

    def __str__(self) -> str:
        """The message and the remedy."""
        return f"{self.message}; {self.help}" if self.help else self.message


class LeaseHeld(RunError):
    """Another run holds the lease; wait for it."""

    def __init__(self, subject: str, holder: str, step: str, until: datetime) -> None:
        super().__init__(
            f"{subject} is being run by {holder} (step {step}), "
            f"whose lease stands until {until:%Y-%m-%d %H:%M:%S} UTC",
            "wait for it to end",
            retry=True,
        )
        self.holder = holder
        self.until = until


class LeaseLost(RunError):
    """Another run, or another attempt of this step, took the lease: this one changes nothing more."""


class CheckFailed(RunError):
    """Checks failed; ``results`` are their documents."""

    def __init__(self, message: str, help: str, results: list[dict[str, Any]]) -> None:
        super().__init__(message, help)
        self.results = results


class Refused(RunError):
    """What was asked for cannot be done as it stands, however often it is tried."""


class SourceDown(RunError):
    """A database does not answer; the last good rows stay."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message, help, retry=True)


@contextmanager
def translating(what: str) -> Iterator[None]:
    """Turn the driver's errors into ours.

    Args:
        what: What was being done, for the message: ``reading the source lessons``.

    Raises:
        SourceDown: A server does not answer, or fails over.
        Refused: A right is missing.
        RunError: Anything else that the server says no to.
    """
    from pymongo import errors as driver

    try:
        yield
    except driver.OperationFailure as error:
        raise _refusal(what, error) from error
    except (driver.ConnectionFailure, driver.WaitQueueTimeoutError) as error:
        if "Authentication failed" in str(error):  # as a pool says it once a first connection was refused
            raise _unknown(what, _first(str(error))) from error
        raise SourceDown(f"{what}: the database does not answer ({_first(str(error))})", _LATER) from error
    except driver.ConfigurationError as error:
        raise Refused(f"{what}: {_first(str(error))}", "mend the connection's URI") from error
    except driver.PyMongoError as error:
        raise RunError(f"{what}: {_first(str(error))}") from error


_LATER = "the last good rows stay; the next run catches up"

#: Codes of failover, shutdown and interruption: another try may meet a new primary.
_PASSING = frozenset({6, 7, 89, 91, 112, 134, 189, 251, 262, 9001, 10107, 11600, 11602, 13435, 13436})
#: Codes of a server that does not know who asks, and of one whose disk is full; Atlas has one for all.
_UNKNOWN, _FULL, _ATLAS = 18, 14031, 8000
_TIMEOUTS = re.compile(r" \(configured timeouts: [^)]*\)")
_LABELS = ("RetryableWriteError", "TransientTransactionError", "NetworkError")


def _refusal(what: str, error: Any) -> RunError:
    code, text = error.code, _first(str(error.details.get("errmsg", error) if error.details else error))
    if code == _FULL or "quota" in text:
        return RunError(
            f"{what}: the server has no room left ({text})",
            "make room there, or shorten `retention_days`; the last good rows stay",
        )
    if code == _UNKNOWN or (code == _ATLAS and "auth" in text.lower()):
        return _unknown(what, text)
    if code in (13, _ATLAS):
        return Refused(
            f"{what}: the user may not do this ({text})", "`dashpipe doctor` says which rights are needed"
        )
    if code == 50:
        return RunError(
            f"{what}: it took longer than allowed ({text})",
            "see the index advice of `dashpipe show`",
            retry=True,
        )
    if code in _PASSING or any(error.has_error_label(label) for label in _LABELS):
        return SourceDown(f"{what}: the database is not ready ({text})", _LATER)
    return RunError(f"{what}: the database says: {text}")


def _unknown(what: str, text: str) -> Refused:
    return Refused(
        f"{what}: the server does not take the user or its password ({text})",
        "see user, password and `authSource` of the connection; `dashpipe doctor` tries each connection",
    )


def _first(text: str) -> str:
    """The first sentence of a driver's message; what follows describes its whole topology."""
    text = text.partition(", Timeout:")[0].partition(", full error:")[0]
    return _TIMEOUTS.sub("", text).strip()
