"""How text of a spec is shown on a terminal: no control characters, columns as wide as they look."""

from __future__ import annotations

#: Columns that a tab is shown as.
TAB = "    "


def flat(text: str) -> str:
    """Text on one line, without control characters."""
    return safe(" ".join(text.split("\n")))


def safe(text: str) -> str:
    """Text whose control characters (a terminal would obey them) are replaced; a tab becomes four blanks."""
    text = text.replace("\t", TAB)
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)


def width(text: str) -> int:
    """How many columns a terminal gives to text: two for wide characters, none for combining ones."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(one) else 2 if east_asian_width(one) in "WF" else 1 for one in text)
