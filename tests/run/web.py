"""A small web server on this machine: orders in pages, and answers that go wrong on demand."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Document = dict[str, Any]

#: What a request is answered with instead, if anything: status, headers, body.
Answer = tuple[int, dict[str, str], bytes]
Instead = Callable[[str, dict[str, str]], "Answer | None"]


@dataclass
class Api:
    """What the server holds, and what it was asked."""

    rows: list[Document] = field(default_factory=list)
    size: int = 7
    asked: list[tuple[str, dict[str, str], dict[str, str]]] = field(default_factory=list)
    instead: Instead | None = None
    port: int = 0
    pause: float = 0.0
    scheme: str = "http"

    @property
    def host(self) -> str:
        """As ``[allow] hosts`` names it."""
        return f"127.0.0.1:{self.port}"

    def url(self, path: str) -> str:
        """The URL of a path."""
        return f"{self.scheme}://{self.host}{path}"

    def answer(self, path: str, given: dict[str, str]) -> Answer:
        """The answer to a request: `/next`, `/cursor`, `/page` or `/all`."""
        rows = [one for one in self.rows if one["changed"] >= given.get("since", "")]
        start = int(given.get("after", "0"))
        if path == "/page":
            start = (int(given["page"]) - 1) * self.size
        some = rows if path == "/all" else rows[start : start + self.size]
        more = start + self.size < len(rows)
        body: Document = {"data": {"orders": some}, "meta": {}}
        if path == "/next" and more:
            kept = "".join(f"&{name}={value}" for name, value in given.items() if name != "after")
            body["meta"]["next"] = f"/next?after={start + self.size}{kept}"
        if path == "/cursor":
            body["meta"]["cursor"] = str(start + self.size) if more else None
        return 200, {}, json.dumps(body["data"]["orders"] if path == "/all" else body).encode()


@contextmanager
def serving(secure: ssl.SSLContext | None = None) -> Iterator[Api]:
    """A server that runs while the block does; of HTTPS where it has a certificate."""
    api = Api(scheme="http" if secure is None else "https")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            given = dict(parse_qsl(parts.query))
            api.asked.append((parts.path, given, dict(self.headers)))
            time.sleep(api.pause)
            found = api.instead(parts.path, given) if api.instead is not None else None
            status, headers, body = found or api.answer(parts.path, given)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    api.port = server.server_address[1]
    if secure is not None:
        server.socket = secure.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def orders(numbers: range, day: int = 1) -> list[Document]:
    """Orders of ten days, changed one minute after the other on a day of March."""
    return [
        {
            "id": number,
            "at": f"2024-03-{1 + number % 10:02d}T{number % 24:02d}:30:00+08:00",
            "changed": f"2024-03-{day:02d}T{number // 60 % 24:02d}:{number % 60:02d}:00Z",
            "shop": ("north", "south", None)[number % 3],
            "pieces": number % 50,
            "paid": f"{number}.{number % 100:02d}",
        }
        for number in numbers
    ]
