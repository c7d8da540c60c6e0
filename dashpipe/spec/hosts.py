"""What ``[allow] hosts`` in ``dashpipe.toml`` names: hosts, with a port where it is not that of https."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlsplit

_HTTPS, _HTTP = 443, 80


class Site(NamedTuple):
    """Where a URL leads: scheme, host in small letters, port."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        """As `[allow] hosts` names it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _HTTPS else f"{host}:{self.port}"


def site(url: str) -> Site | None:
    """Where a URL leads; ``None`` for what is no URL of the web, or has a user in it."""
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme, parts.hostname, parts.port
    except ValueError:
        return None
    if scheme not in ("http", "https") or not host or "@" in parts.netloc:
        return None
    return Site(scheme, host.lower(), port if port is not None else _HTTPS if scheme == "https" else _HTTP)


def allowed(hosts: Iterable[str], one: Site) -> bool:
    """Whether the project names a host, by name and port; no entry is a pattern."""
    return str(one) in {entry.strip().lower() for entry in hosts}


def loopback(host: str) -> bool:
    """Whether a host is written as this machine itself, and so may be it."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def public(text: str) -> bool:
    """Whether an address is one of the public internet, also where it holds another within."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if address in ipaddress.ip_network("64:ff9b::/96"):
            inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if any(one is not None and not _public(one) for one in inner):
            return False
        if address.ipv4_mapped is not None:
            return True
    return _public(address)


def _public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return address.is_global and not address.is_multicast and not address.is_reserved
