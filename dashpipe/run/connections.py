"""Connections by name: where the URI comes from, the client, and which cluster is at the other end."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dashpipe.run.errors import Refused, translating

if TYPE_CHECKING:
    from pymongo import MongoClient
    from pymongo.database import Database

    from dashpipe.run.base import Place

Document = dict[str, Any]

_SRV = "mongodb+srv://"  # encrypted unless it says otherwise; parsing it asks DNS
_NONE = "-"
_PATIENCE = "serverSelectionTimeoutMS"  # the URI's own comes first: options given apart would override it

#: This machine, a socket, or a name without a dot: a neighbour in a private network, such as a container's.
_LOCAL = re.compile(r"localhost|127\.\d+\.\d+\.\d+|::1|[^.:]+|.*\.sock")


@dataclass(frozen=True, slots=True)
class Found:
    """A connection's URI and where it was found; the URI holds a password, so it is never shown."""

    uri: str
    where: str

    def __repr__(self) -> str:
        return f"Found(where={self.where!r})"


#: Finds a connection by its name in a spec; ``None`` where it is not defined.
Finder = Callable[[str], "Found | None"]


def variable(name: str) -> str:
    """The variable that holds a connection's URI outside Airflow: ``DASHPIPE_SOURCE_URI``."""
    return f"DASHPIPE_{name.upper()}_URI"


def from_environment(environ: Mapping[str, str]) -> Finder:
    """A finder that reads ``DASHPIPE_NAME_URI``."""

    def find(name: str) -> Found | None:
        uri = environ.get(variable(name))
        return Found(uri, variable(name)) if uri else None

    return find


class Connections:
    """The clients of one run, opened when first used."""

    def __init__(self, find: Finder, *, how: str = "") -> None:
        """Take a finder of URIs, and a remedy beside the variable for a connection that is not defined."""
        self._find = find
        self._how = how
        self._opened: dict[str, tuple[MongoClient[Document], str, str]] = {}
        self._identities: dict[str, tuple[str, ...]] = {}

    def _open(self, name: str) -> tuple[MongoClient[Document], str, str]:
        if name not in self._opened:
            self._opened[name] = _open(name, self._find(name), self._how)
        return self._opened[name]

    def client(self, name: str) -> MongoClient[Document]:
        """The client of a connection.

        Raises:
            Refused: It is not defined, or its URI is not fit: says what to write.
        """
        return self._open(name)[0]

    def database(self, name: str) -> Database[Document]:
        """The database that a connection's URI names."""
        client, database, _ = self._open(name)
        return client[database]

    def where(self, name: str) -> str:
        """Where the connection was found: a variable's name, or an Airflow Connection's."""
        return self._open(name)[2]

    def identity(self, name: str) -> tuple[str, ...]:
        """What tells one cluster from another: a sharded cluster's id, else the set's name and hosts."""
        if name not in self._identities:
            with translating(f"reaching {self.where(name)}"):
                self._identities[name] = _identity(self.client(name))
        return self._identities[name]

    def same_cluster(self, one: str, other: str) -> bool:
        """Whether two connections lead to one cluster, whatever their URIs say."""
        return one == other or self.identity(one) == self.identity(other)

    def may_read(self, name: str, place: Place) -> bool:
        """Whether the user of a connection may read a collection; asked for no document, which reads none."""
        from pymongo.errors import OperationFailure

        try:
            self.client(name)[place.database][place.collection].find_one({"_id": {"$in": []}}, {"_id": 1})
        except OperationFailure as error:
            if error.code == 13:
                return False
            raise
        return True

    def close(self) -> None:
        """Close every client."""
        for client, _, _ in self._opened.values():
            client.close()
        self._opened.clear()
        self._identities.clear()


def _open(name: str, found: Found | None, how: str) -> tuple[MongoClient[Document], str, str]:
    from pymongo import MongoClient
    from pymongo.errors import PyMongoError
    from pymongo.uri_parser import parse_uri

    if found is None:
        cure = f"set {variable(name)} to a MongoDB URI with the database in its path" + (
            f", or {how}" if how else ""
        )
        raise Refused(f"the connection `{name}` is not defined", cure)
    refusal = f"the URI of the connection `{name}` (from {found.where})"
    patience: Document = {} if _PATIENCE.lower() in found.uri.lower() else {_PATIENCE: 10_000}
    try:
        # No parts of a driver's message about a URI are shown: it may quote the password.
        about = parse_uri(found.uri) if not found.uri.startswith(_SRV) else None
        client: MongoClient[Document] = MongoClient(
            found.uri,
            tz_aware=True,
            appname="dashpipe",
            connect=False,
            w="majority",
            **patience,
        )
        database = client.get_default_database(_NONE).name
    except (PyMongoError, ValueError, TypeError):
        raise Refused(
            f"{refusal} is not fit", "write mongodb://user:password@host:port/database?options"
        ) from None
    if database == _NONE:
        raise Refused(f"{refusal} has no database", "write mongodb://host:port/database")
    if about is not None and not _is_safe(about):
        raise Refused(f"{refusal} leads to another machine without TLS", "add tls=true to its options")
    return client, database, found.where


def _is_safe(about: Mapping[str, Any]) -> bool:
    """Whether what travels is encrypted, or does not leave this machine or its private network."""
    return bool(about["options"].get("tls")) or all(_LOCAL.fullmatch(host) for host, _ in about["nodelist"])


def _identity(client: MongoClient[Document]) -> tuple[str, ...]:
    hello = client.admin.command("hello")
    if hello.get("msg") == "isdbgrid":
        version = client["config"]["version"].find_one({}, {"clusterId": 1}) or {}
        return ("sharded", str(version.get("clusterId", hello.get("me", ""))))
    hosts = sorted(hello.get("hosts", ())) or [":".join(map(str, client.address or ()))]
    return ("set", str(hello.get("setName", "")), *hosts)
