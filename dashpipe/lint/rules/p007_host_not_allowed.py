"""A host that the project does not allow, or that no spec may reach."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity
from dashpipe.spec.hosts import Site, allowed, loopback, public, site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View


def check(view: View) -> Iterator[Problem]:
    """Each endpoint is of a host of ``[allow] hosts``, encrypted, and of the public internet."""
    hosts = view.project.config.allow.hosts
    for source in view.sources:
        one = None if source.http is None else site(source.http.url)
        if one is None:
            continue
        at = source.origin.at("http", "url")
        if _private(one):
            yield Problem(
                at,
                f"{one.host} is an address of a private network",
                "specs reach hosts of the public internet; land what is inside as files",
            )
        elif one.scheme != "https" and not loopback(one.host):
            yield Problem(at, f"{one.host} is asked without encryption", "write https://")
        elif not allowed(hosts, one):
            listed = ", ".join(hosts) or "none"
            yield Problem(
                at,
                f"the host {one} is not allowed (allowed: {listed})",
                f'add "{one}" to `hosts` under `[allow]` in dashpipe.toml',
            )


def _private(one: Site) -> bool:
    try:
        ipaddress.ip_address(one.host)
    except ValueError:
        return False
    return not loopback(one.host) and not public(one.host)


RULE = Rule(
    code="P007",
    name="host-not-allowed",
    severity=Severity.ERROR,
    what="A source reads from a host that `[allow] hosts` in `dashpipe.toml` does not name, without "
    "encryption, or at an address of a private network.",
    why="Whoever can edit a spec could otherwise make the worker ask any machine that it reaches, also "
    "those that trust it, and read the answer on a dashboard.",
    bad="""
sources:
  - name: raw
    collection: raw
    http: {url: "https://169.254.169.254/latest", key: [id]}
    time: at
    fields: {at: date}
dimensions: []
metrics:
  - {name: sold, type: count}
target:
  queries: []
""",
    good="""
sources:
  - name: raw
    collection: raw
    http: {url: "https://api.example.com/v1/orders", key: [id]}
    time: at
    fields: {at: date}
dimensions: []
metrics:
  - {name: sold, type: count}
target:
  queries: []
""",
    whole=check,
)
