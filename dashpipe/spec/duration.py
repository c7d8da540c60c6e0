"""Durations as specs write them: seconds, or text such as ``5m``."""

from __future__ import annotations

import re

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_TEXT = re.compile(r"([1-9][0-9]{0,4}) ?([smhd])")


def seconds(value: object) -> int | None:
    """The seconds of a duration (``90``, ``"90s"``, ``"5m"``, ``"1h"``), ``None`` where it is none."""
    if isinstance(value, str):
        match = _TEXT.fullmatch(value)
        return None if match is None else int(match[1]) * _UNITS[match[2]]
    return value if isinstance(value, int) and not isinstance(value, bool) else None
