"""What the findings of shape say. Loaded only where there is something to say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dashpipe.spec.diagnostic import Edit, Fix, Span
from dashpipe.spec.node import Map, Scalar
from dashpipe.spec.odd import short
from dashpipe.spec.shape.kinds import Keys, Number, Text, Words
from dashpipe.spec.shape.texts import COLLECTION, ROW

if TYPE_CHECKING:
    from dashpipe.spec.shape.walk import Path

#: What people write for the units of calendar time, by its first letters.
_UNITS = {"h": "hour", "d": "day", "w": "week", "mo": "month", "q": "quarter", "y": "year"}
_LENGTH = re.compile(r"-?(?:last )?(\d{1,4}) ?(h|d|w|mo|q|y)[a-z]*", re.IGNORECASE)
_CALL = re.compile(r"(count|sum|avg|min|max|median)\s*\(\s*(distinct\s+)?(.*?)\s*\)", re.IGNORECASE)
_ENV = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?")


def title(path: Path) -> str:
    """What a value is called: by its key, and inside a list by the list's."""
    named = next((one for one in reversed(path) if isinstance(one, str)), "a spec")
    return f"`{named}`" if path and isinstance(path[-1], str) else f"an entry of `{named}`"


def article(name: str) -> str:
    """A word with its article; what is a name of its own has none."""
    if not name[0].isalpha() or "." in name:
        return name
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def place(node: Map) -> Span:
    """The smallest place that stands for a mapping: the key that names it, or all of one in braces."""
    if not node.entries:
        return node.span
    first = node.entries[0].key.span
    if (first.line, first.column) != (node.span.line, node.span.column):
        return node.span
    named = {one.name: one.key.span for one in node.entries}
    return next((named[one] for one in ("subject", "model", "calendar", "name", "id") if one in named), first)


def missing(needed: Sequence[str], some: Sequence[str], kind: Keys, variant: str | None) -> tuple[str, str]:
    """Message and help for a mapping that lacks keys: all of some, one of others."""
    what = article(kind.name) if variant is None else f"{article(kind.name)} of type {variant}"
    names = [f"`{one}`" for one in needed]
    if some:
        names.append(" or ".join(f"`{one}`" for one in some))
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    first = next(iter((*needed, *some)))
    key = kind.of(variant)[first]
    only = key.kind.words[0] if isinstance(key.kind, Words) and len(key.kind.words) == 1 else "…"
    said = key.description.rstrip(".")
    said = said if said[1:2].isupper() else said[0].lower() + said[1:]
    return f"{what} needs {listed}", f"add `{first}: {only}`: {said}"


def bad_text(text: str, kind: Text, path: Path) -> tuple[str, str]:
    """Message and help for a text that does not look like what it stands for."""
    env = _ENV.fullmatch(text)
    if env is not None and kind == COLLECTION:
        return f"`{short(text)}` is not expanded", f"write {{env: {env[1]}, default: …}}"
    if not text:
        return f"this is empty; here belongs {kind.what}", kind.help
    if text in kind.not_in:
        if text in ROW:
            return f"the name `{text}` is a column of every row", f"choose another, such as {text}_value"
        return f"the name `{text}` is a word of SQL", f"choose another, such as {text}_name"
    if kind.most and len(text) > kind.most:
        return f"this has {len(text)} characters, and {kind.what} at most {kind.most}", kind.help
    if kind.code != "S105":
        length = _LENGTH.fullmatch(text.strip()) if "calendar time" in kind.what else None
        meant = "" if length is None else _length(length)
        fits = bool(meant) and re.search(kind.pattern, meant) is not None
        back = ": an offset goes back by itself" if text.startswith("-") else ""
        return f"`{short(text)}` is not {kind.what}", f"write {meant}{back}" if fits else kind.help
    if text.startswith("_"):
        return f"the name `{short(text)}` begins with _, as only dashpipe's own do", kind.help
    call = _CALL.fullmatch(text)
    if call is not None and "metrics" in path and path[-1] != "name":
        return f"`{short(text)}` is not {kind.what}", _call(call)
    if path[:1] == ("metrics",) and isinstance(path[-1], int) and text.count(".") == 1:
        name = text.partition(".")[2]
        help = f"write {name}, or where two sources have it `{{metric: {text}, as: {name}}}`"
        return f"`{short(text)}` is not {kind.what}", help
    good = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    help = f"write {good}: {kind.help}" if good[:1].isalpha() and good != text else kind.help
    return f"`{short(text)}` is not {kind.what}", help


def _length(found: re.Match[str]) -> str:
    """A length of time that is written in another way."""
    number, unit = int(found[1]), _UNITS[found[2].lower()]
    return f"{number} {unit}{'' if number == 1 else 's'}"


def _call(found: re.Match[str]) -> str:
    """The help for an aggregate that stands where a metric is named."""
    type_ = "count_distinct" if found[2] else found[1].lower()
    expr = "" if found[3] in ("*", "1", "") else f", expr: {short(found[3])}"
    return f"define it as a metric, `{{name: …, type: {type_}{expr}}}`, and write its name here"


def beyond(value: float, kind: Number, path: Path) -> str:
    """Message for a number outside its limits."""
    below = kind.least is not None and value < kind.least
    limit = f"{kind.least:g} or more" if below else f"at most {kind.most:g}"
    return f"{title(path)} is {limit}, not {value:g}"


def listed(kind: Words) -> list[str]:
    """The values of an enumeration, as they are written."""
    return list(dict.fromkeys("null" if one is None else str(one) for one in kind.words))


def unknown_word(node: Scalar, kind: Words, path: Path) -> tuple[str, str, str, Fix | None]:
    """Code, message, help and a safe change for a value that is not in an enumeration."""
    text, words = node.text, listed(kind)
    if path == ("dashpipe",):
        return "S104", f"`{short(text)}` is no version of the spec language", "write dashpipe: 1", None
    known = f"one of {', '.join(words)}" if len(words) > 1 else words[0]
    if text in kind.later:
        return "S108", f"`{text}` comes in a later version", f"write {known}", None
    message = f"{title(path)} cannot be `{short(text)}`"
    folded = text.strip().lower().replace("-", "_").replace(" ", "_")
    if text in words and text not in kind.words:
        return "S104", message, f"write it without quotes: {text}", None
    near = folded if folded in words else dict(kind.also).get(folded) or _nearest(folded, words)
    if near is None:
        return "S104", message, f"write {known}", None
    fix = Fix(f"write {near}", (Edit(node.span, near),)) if near == folded else None
    return (
        "S104",
        message,
        f"write {near}; known: {', '.join(words)}" if len(words) > 1 else f"write {near}",
        fix,
    )


def _nearest(word: str, words: list[str]) -> str | None:
    from difflib import get_close_matches

    near = get_close_matches(word, [one for one in words if one != "null"], 1, 0.6)
    return near[0] if near else None
