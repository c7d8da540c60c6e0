"""Asking an HTTP endpoint: only hosts that are allowed, at addresses that were looked at, and patiently.

The address that a name resolves to is checked and then connected to, so that no second answer of a name
server leads elsewhere. Redirects are not followed. Proxies of the environment are not used.
"""

from __future__ import annotations

import logging
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse
from urllib.parse import urlsplit, urlunsplit

from dashpipe.run.errors import Refused, RunError
from dashpipe.run.log import Log
from dashpipe.spec.hosts import Site, allowed, loopback, public, site

#: Tries of one request, and the seconds before the second; each wait after it is twice as long.
TRIES, FIRST_WAIT = 5, 1.0

#: Seconds without a byte, for a whole answer, and for which a server may ask to wait.
_SILENCE, _WHOLE, _LONGEST_WAIT = 30.0, 300.0, 300.0

_LARGEST, _CHUNK = 64 * 1024 * 1024, 64 * 1024

#: Answers after which another try may help.
_PASSING = (408, 425, 429, *range(500, 600))


class Answered(RunError):
    """The endpoint answered with a status that says no."""

    def __init__(self, status: int, message: str, help: str) -> None:
        super().__init__(message, help)
        self.status = status


class _Passing(Exception):
    """A try that failed for now; ``after`` are the seconds that the server asks to wait."""

    def __init__(self, why: str, after: float | None = None) -> None:
        super().__init__(why)
        self.after = after


class _Pinned(HTTPConnection):
    """A connection to an address that was looked at, whatever its name resolves to by now."""

    def __init__(self, one: Site, address: str) -> None:
        super().__init__(one.host, one.port, timeout=_SILENCE)
        self._address = address
        self._context = ssl.create_default_context() if one.scheme == "https" else None
        if self._context is not None:
            self.default_port = 443

    def connect(self) -> None:
        """Connect to the address; of https under the name of the host."""
        self.sock = socket.create_connection((self._address, self.port), self.timeout)
        if self._context is not None:
            self.sock = self._context.wrap_socket(self.sock, server_hostname=self.host)


class Client:
    """What asks one endpoint; ``alive`` raises where the run has no lease any more."""

    def __init__(
        self,
        hosts: tuple[str, ...],
        headers: Mapping[str, str],
        log: Log,
        alive: Callable[[], None],
        tries: int | None = None,
    ) -> None:
        self._hosts, self._headers, self._log, self._alive = hosts, headers, log, alive
        self._tries = TRIES if tries is None else tries
        self.requests = 0

    def get(self, url: str) -> bytes:
        """The body of the answer to a GET.

        Raises:
            Refused: The host is not allowed, or is of a private network; or the endpoint redirects.
            Answered: It says no.
            RunError: It does not answer, or not as it should; another try may help.
        """
        for number in range(1, self._tries + 1):
            self._alive()
            try:
                return self._once(url)
            except _Passing as error:
                wait = FIRST_WAIT * 2 ** (number - 1) if error.after is None else error.after
                if number == self._tries or wait > _LONGEST_WAIT:
                    asked = f" and asks to wait {wait:.0f} s" if wait > _LONGEST_WAIT else ""
                    raise RunError(
                        f"{shown(url)} {error}{asked} (tried {number} time{'s' if number > 1 else ''})",
                        "the last good rows stay; the next try goes on where this one stopped",
                        retry=True,
                    ) from error
                self._log("waiting", level=logging.WARNING, url=shown(url), why=str(error), seconds=wait)
                self._sleep(wait)
        raise AssertionError

    def _sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 5.0))
            self._alive()

    def _once(self, url: str) -> bytes:
        one = _site(url, self._hosts)
        connection = _Pinned(one, _address(one))
        parts = urlsplit(url)
        target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        self.requests += 1
        try:
            asked = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "dashpipe"}
            connection.request("GET", target, headers={**asked, **self._headers})
            return _body(url, connection.getresponse())
        except ssl.SSLCertVerificationError as error:
            raise Refused(
                f"the certificate of {one} is not good: {error.verify_message}",
                "see whether it is the host that is meant; SSL_CERT_FILE names an authority of your own",
            ) from error
        except TimeoutError as error:
            raise _Passing("does not answer in time") from error
        except (OSError, HTTPException) as error:
            raise _Passing(f"cannot be reached ({type(error).__name__}: {error})") from error
        finally:
            connection.close()


def shown(url: str) -> str:
    """A URL for people: without its query, which may hold a key."""
    return url.partition("?")[0]


def _site(url: str, hosts: tuple[str, ...]) -> Site:
    one = site(url)
    if one is None or not allowed(hosts, one):
        name = "it" if one is None else str(one)
        raise Refused(
            f"dashpipe.toml does not allow {shown(url)}", f'add "{name}" to `hosts` under `[allow]`'
        )
    if one.scheme != "https" and not loopback(one.host):
        raise Refused(f"{shown(url)} is not encrypted", "write https")
    return one


def _address(one: Site) -> str:
    """An address of a host, all of which are public, or this machine's where that is what is written.

    Raises:
        Refused: One is of a private network.
    """
    try:
        found = socket.getaddrinfo(one.host, one.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise _Passing(f"has no address ({error})") from error
    addresses = [str(each[4][0]) for each in found]
    for each in addresses:
        fits = loopback(each) if loopback(one.host) else public(each)
        if not fits:
            raise Refused(
                f"{one.host} is at {each}, an address of a private network",
                "specs reach hosts of the public internet; land what is inside as files",
            )
    if not addresses:
        raise _Passing("has no address")
    return addresses[0]


def _body(url: str, answer: HTTPResponse) -> bytes:
    status = answer.status
    if status == 200:
        return _read(url, answer)
    if status in _PASSING:
        raise _Passing(f"answers {status}", _after(answer.getheader("Retry-After")))
    if 300 <= status < 400:
        to = shown(answer.getheader("Location") or "nowhere")
        raise Refused(
            f"{shown(url)} redirects to {to}, and redirects are not followed",
            "write where it leads, as `url`",
        )
    help = "see the headers of its connection" if status in (401, 403) else "see `url` and its parameters"
    raise Answered(status, f"{shown(url)} answers {status} {answer.reason}", help)


def _read(url: str, answer: HTTPResponse) -> bytes:
    until, parts, size = time.monotonic() + _WHOLE, [], 0
    while part := answer.read1(_CHUNK):
        parts.append(part)
        size += len(part)
        if size > _LARGEST:
            raise RunError(
                f"{shown(url)} answers with more than {_LARGEST // 1024 // 1024} MB", "ask for smaller pages"
            )
        if time.monotonic() > until:
            raise _Passing("does not answer in time")
    length = answer.length
    if length:
        raise _Passing(f"ends {length} bytes too early")
    return b"".join(parts)


def _after(text: str | None) -> float | None:
    """The seconds that ``Retry-After`` asks for."""
    if text is None:
        return None
    if text.strip().isdigit():
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=timezone.utc)
    return max(0.0, (at - datetime.now(tz=timezone.utc)).total_seconds())
