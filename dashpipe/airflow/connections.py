"""Connections under Airflow: an Airflow Connection where one is defined, else the variable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, urlsplit, urlunsplit

from dashpipe.airflow._compat import AirflowConfigException, AirflowNotFoundException
from dashpipe.run.connections import Finder, Found, from_environment
from dashpipe.run.errors import Refused
from dashpipe.run.landing import headers as headers_of

if TYPE_CHECKING:
    from airflow.providers.mongo.hooks.mongo import MongoHook

#: The other way to define a connection, for the message of one that is not.
HOW = (
    "add an Airflow Connection of type mongo whose id is dashpipe_ and the name, "
    "with the database as its schema"
)


def finder(environ: Mapping[str, str]) -> Finder:
    """A finder that asks Airflow first, then the environment.

    Args:
        environ: The environment.
    """
    otherwise = from_environment(environ)

    def find(name: str) -> Found | None:
        return _airflow(f"dashpipe_{name}") or otherwise(name)

    return find


def headers(environ: Mapping[str, str]) -> headers_of.Finder:
    """A finder of headers: in the extra of an Airflow Connection, else in the environment.

    Args:
        environ: The environment.
    """
    otherwise = headers_of.from_environment(environ)

    def find(name: str) -> Mapping[str, str] | None:
        from airflow.providers.mongo.hooks.mongo import MongoHook

        conn_id = f"dashpipe_{name}"
        try:
            found = MongoHook.get_connection(conn_id)  # as every hook's: of any type
        except AirflowNotFoundException:
            return otherwise(name)
        return headers_of.checked(found.extra_dejson.get("headers"), f"the extra of {conn_id}")

    return find


def _airflow(conn_id: str) -> Found | None:
    """An Airflow Connection as a URI, ``None`` where there is none.

    Raises:
        Refused: It is there and not fit for MongoDB.
    """
    from airflow.providers.mongo.hooks.mongo import MongoHook

    try:
        hook = MongoHook(mongo_conn_id=conn_id)
    except AirflowNotFoundException:
        return None
    except AirflowConfigException as error:
        raise Refused(
            f"the Airflow Connection {conn_id} is not fit: {error}",
            "its type is mongo, in JSON form, with the database as its schema",
        ) from None
    return Found(uri(hook), f"Airflow Connection {conn_id}")


def uri(hook: MongoHook) -> str:
    """The URI of a hook with its options in it."""
    options: dict[str, Any] = dict(hook.extras)
    if hook.ssl_enabled:
        options["tls"] = True  # with allow_insecure the hook drops `ssl`, and the link with it
        options.pop("ssl", None)
    if hook.allow_insecure:
        options["tlsAllowInvalidCertificates"] = True
    query = "&".join(f"{key}={quote_plus(_text(value))}" for key, value in sorted(options.items()))
    parts = urlsplit(hook.uri)
    return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", query, ""))


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
