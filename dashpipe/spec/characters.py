"""Characters that no spec may hold: control characters, and those that hide or reorder what is read."""

from __future__ import annotations

import re
from functools import cache

from dashpipe.spec.codes import finding
from dashpipe.spec.diagnostic import Diagnostic
from dashpipe.spec.offsets import span

_CONTROL = re.compile("[^\t\n\r\x20-\x7e]")

_GOOD = (
    "\t\n\r\x20-\x7e\xa0-\u200a\u200c-\u2027\u202f-\u205f\u2070-\ud7ff\ue000-\ufefe\uff00-\ufffd"
    "\U00010000-\U0010ffff"
)


@cache
def _bad() -> re.Pattern[str]:
    """The characters that no spec may hold; slow to compile, and most files are ASCII."""
    return re.compile(f"[^{_GOOD}]")


def bad_character(text: str, file: str) -> Diagnostic | None:
    """The finding for the first character of a text that no spec may hold."""
    match = (_CONTROL if text.isascii() else _bad()).search(text)
    if match is None:
        return None
    one = ord(match[0])
    if one == 0xFEFF:
        what = "a byte order mark within the file"
    elif one < 0x20 or 0x7F <= one < 0xA0:
        what = f"a control character (U+{one:04X})"
    elif 0xD800 <= one < 0xE000:
        what = f"half a character (U+{one:04X})"
    else:
        what = f"an invisible character (U+{one:04X})"
    at = span(text, match.start(), match.end())
    return finding("Y017", f"here stands {what}", file, at, "delete it, or write the line anew")


def not_utf8(data: bytes, error: UnicodeDecodeError, file: str) -> Diagnostic:
    """The finding for a file that is not UTF-8."""
    good = error.object[: error.start].decode("utf-8-sig")
    at = span(good + "?", len(good), len(good) + 1)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return finding("Y017", "this file is UTF-16", file, at, "save the file as UTF-8")
    return finding(
        "Y017", f"the byte 0x{error.object[error.start]:02x} is not UTF-8", file, at, "save the file as UTF-8"
    )
