"""The headers of an HTTP connection: they hold keys, so they are never in a spec and never shown."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from dashpipe.run.errors import Refused

#: Finds the headers of a connection by its name in a spec; ``None`` where it is not defined.
Finder = Callable[[str], "Mapping[str, str] | None"]

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[\t\x20-\x7e]*")


def variable(name: str) -> str:
    """The variable that holds a connection's headers: ``DASHPIPE_API_HEADERS``."""
    return f"DASHPIPE_{name.upper()}_HEADERS"


def from_environment(environ: Mapping[str, str]) -> Finder:
    """A finder that reads ``DASHPIPE_NAME_HEADERS``, a JSON object."""

    def find(name: str) -> Mapping[str, str] | None:
        text = environ.get(variable(name))
        if not text:
            return None
        try:
            value = json.loads(text)
        except ValueError:
            value = None
        return checked(value, variable(name))

    return find


def checked(value: Any, where: str) -> Mapping[str, str]:
    """Headers, if that is what a value is.

    Raises:
        Refused: It is not; no part of it is shown.
    """
    fit = isinstance(value, dict) and all(
        isinstance(text, str) and _NAME.fullmatch(name) and _VALUE.fullmatch(text)
        for name, text in value.items()
    )
    if not fit:
        raise Refused(
            f"the headers in {where} are not fit",
            'write a JSON object of texts: {"Authorization": "Bearer …"}',
        )
    found: dict[str, str] = value
    return found


def of(name: str | None, find: Finder) -> Mapping[str, str]:
    """The headers of a connection; of none, none.

    Raises:
        Refused: It is not defined, or not fit.
    """
    if name is None:
        return {}
    found = find(name)
    if found is None:
        raise Refused(
            f"the connection `{name}` has no headers",
            f'set {variable(name)} to a JSON object: {{"Authorization": "Bearer …"}}',
        )
    return found
