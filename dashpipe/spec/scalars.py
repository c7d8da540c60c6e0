"""What a plain scalar means: YAML 1.2 core, with numbers as JSON writes them.

``no``, ``on``, ``9:30``, ``007``, ``1_000`` and dates are text. What is not finite (``.inf``, ``.nan``,
``1e999``) and integers beyond 64 bits are refused.
"""

from __future__ import annotations

import re
from math import isfinite

_WORDS: dict[str, bool | None] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_NUMBER = re.compile(
    r"""(?P<int>[-+]?(?:0|[1-9][0-9]*))
    |0x(?P<hex>[0-9a-fA-F]+)
    |0o(?P<oct>[0-7]+)
    |(?P<float>[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)
    |(?P<odd>[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))""",
    re.VERBOSE,
)
_FIRST = frozenset("0123456789+-.")
_LARGEST = 2**63


class NumberError(ValueError):
    """A number that is not within reach: not finite, or an integer beyond 64 bits."""


def value(text: str) -> bool | int | float | str | None:
    """The value of a plain scalar's text.

    Raises:
        NumberError: It is a number, and none that a spec can use.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _FIRST:
        return text
    match = _NUMBER.fullmatch(text)
    if match is None:
        return text
    kind, digits = match.lastgroup, match[str(match.lastgroup)]
    if kind == "odd":
        raise NumberError(text)
    if kind == "float":
        number = float(digits)
        if not isfinite(number):
            raise NumberError(text)
        return number
    if len(digits) > 70:
        raise NumberError(text)
    whole = int(digits, {"int": 10, "hex": 16, "oct": 8}[str(kind)])
    if not -_LARGEST <= whole < _LARGEST:
        raise NumberError(text)
    return whole
