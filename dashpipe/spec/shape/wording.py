"""What the findings of shape say. Loaded only where there is something to say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dashpipe.spec.diagnostic import Edit, Fix, Span
from dashpipe.spec.node import Map, Node, Scalar, Seq
from dashpipe.spec.shape.walk import form, forms
from dashpipe.spec.odd import short
from dashpipe.spec.shape.kinds import (
    Cases,
    Either,
    Flag,
    Keys,
    Kind,
    ListOf,
    Null,
    Number,
    Paths,
    Text,
    Words,
)

if TYPE_CHECKING:
    from dashpipe.spec.shape.walk import Path

_FORMS = {
    "text": "text",
    "number": "a number",
    "flag": "true or false",
    "null": "null",
    "list": "a list",
    "map": "a mapping",
}
#: Days in the units that people write instead of a number of days.
_UNITS = (("week", 7), ("month", 30), ("year", 365))
_ENV = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?")


def title(path: Path) -> str:
    """What a value is called: by its key, and inside a list by the list's."""
    if not path:
        return "a spec"
    last = path[-1]
    if isinstance(last, str):
        return f"`{last}`"
    listed = next((one for one in reversed(path) if isinstance(one, str)), "")
    return f"an entry of `{listed}`"


def quoted(text: str) -> str:
    """A text as YAML in quotes."""
    return "'" + text.replace("'", "''") + "'" if '"' in text or "\\" in text else f'"{text}"'


def place(node: Map) -> Span:
    """The smallest place that stands for a mapping: the key that names it, or all of one in braces."""
    if not node.entries:
        return node.span
    first = node.entries[0].key.span
    if (first.line, first.column) != (node.span.line, node.span.column):
        return node.span
    for name in ("subject", "model", "name", "id"):
        for entry in node.entries:
            if entry.name == name:
                return entry.key.span
    return first


def article(name: str) -> str:
    """A word with its article; what is a name of its own has none."""
    if not name.isascii() or not name[0].isalpha() or "." in name:
        return name
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def missing(needed: list[str], some: list[str], kind: Keys, variant: str | None) -> tuple[str, str]:
    """Message and help for a mapping that lacks keys."""
    what = article(kind.name) if variant is None else f"{article(kind.name)} of type {variant}"
    names = [f"`{one}`" for one in needed]
    if some:
        names.append(" or ".join(f"`{one}`" for one in some))
    table = kind.of(variant)
    first = needed[0] if needed else some[0]
    said = table[first].description.rstrip(".")
    said = said if said[1:2].isupper() else said[0].lower() + said[1:]
    return f"{what} needs {_and(names)}", f"add `{first}: …`: {said}"


def bad_text(text: str, kind: Text) -> tuple[str, str]:
    """Message and help for a text that does not look like what it stands for."""
    env = _ENV.fullmatch(text)
    if env is not None:
        return f"`{short(text)}` is not expanded", f"write {{env: {env[1]}, default: …}}"
    if not text:
        return f"this is empty; here belongs {kind.what}", kind.help
    if text in kind.not_in:
        from dashpipe.spec.shape.texts import ROW

        why = "is a column of every row" if text in ROW else "is a word of SQL"
        return (
            f"the name `{text}` {why}",
            f"choose another name, such as {text}_{'value' if text in ROW else 'name'}",
        )
    if kind.code == "S105":
        if text.startswith("_"):
            return f"the name `{short(text)}` begins with _, as only dashpipe's own do", kind.help
        folded = re.sub(r"_+", "_", re.sub(r"[^a-z0-9_]", "_", text.lower())).strip("_")
        if kind.most and len(text) > kind.most:
            return f"this name has {len(text)} characters", f"write at most {kind.most}"
        good = folded if folded and folded[0].isalpha() else ""
        help = f"write {good}: {kind.help}" if good and len(good) <= kind.most and good != text else kind.help
        return f"`{short(text)}` is not {kind.what}", help
    if kind.most and len(text) > kind.most:
        return f"{kind.what} has at most {kind.most} characters, this has {len(text)}", kind.help
    return f"`{short(text)}` is not {kind.what}", kind.help


def beyond(value: float, kind: Number, path: Path) -> str:
    """Message for a number outside its limits."""
    limit = (
        f"{kind.least:g} or more"
        if kind.least is not None and value < kind.least
        else f"at most {kind.most:g}"
    )
    return f"{title(path)} is {limit}, not {value:g}"


def is_near(node: Scalar, kind: Words) -> bool:
    """Whether a value of another form is best answered with the list of values: ``dashpipe: "1"``, ``on_zero: x``."""
    return any(str(one) == node.text for one in kind.words)


def unknown_word(node: Scalar, kind: Words, path: Path) -> tuple[str, str, str, Fix | None]:
    """Code, message, help and fix for a value that is not in an enumeration."""
    text = node.text
    words = list(dict.fromkeys(_word(one) for one in kind.words))
    if path == ("dashpipe",):
        return (
            "S104",
            f"dashpipe: {short(text)} is no version of the spec language",
            "write dashpipe: 1",
            None,
        )
    if text in kind.later:
        return "S108", f"`{text}` comes in a later version", f"write one of {', '.join(words)}", None
    near = dict(kind.also).get(text.lower()) or next((one for one in words if one == text.lower()), None)
    if near is None:
        near = _nearest(text.lower(), [one for one in words if one != "null"])
    known = f"one of {', '.join(words)}" if len(words) > 1 else words[0]
    help = f"write {near}; known: {', '.join(words)}" if near and len(words) > 1 else f"write {near or known}"
    return "S104", f"{title(path)} cannot be `{short(text)}`", help, None


def wrong_kind(node: Node, kind: Kind, path: Path) -> tuple[str, str, str, Fix | None]:
    """Code, message, help and fix for a value of another kind."""
    wanted = _wanted(kind)
    is_ = _FORMS[form(node)]
    if isinstance(kind, Number) and isinstance(node, Scalar) and isinstance(node.value, float):
        is_ = "one with a fraction" if not node.value.is_integer() else "one with a point"
    message = f"{title(path)} must be {wanted}, and this is {is_}"
    help, fix = _remedy(node, kind, path)
    return "S103", message, help, fix


def _remedy(node: Node, kind: Kind, path: Path) -> tuple[str, Fix | None]:
    """Help and fix for a value of another kind."""
    accepted = forms(kind)
    if isinstance(node, Scalar):
        text = node.text
        if "list" in accepted:
            if text.startswith("- "):
                return "begin the list on the next line", None
            one = text if not node.style else quoted(text)
            fix = (
                Fix(f"put it in brackets: [{one}]", _wrap(node))
                if node.span.line == node.span.end_line
                else None
            )
            return f"write a list: [{one}]", fix
        number = re.match(r"-?\d+(\.\d+)?$", text) if node.value == text else None
        if "number" in accepted and number:
            fix = Fix("take the quotes away", (Edit(node.span, text),)) if node.style in ("'", '"') else None
            return f"write it without quotes: {text}", fix
        if "number" in accepted:
            return _number_in(text), None
        if "text" in accepted and node.value is not None:
            return f"put it in quotes: {quoted(text)}", Fix(
                "put it in quotes", (Edit(node.span, quoted(text)),)
            )
        if "flag" in accepted:
            yes = text.lower() in ("yes", "y", "on", "1", "true")
            no = text.lower() in ("no", "n", "off", "0", "false")
            return ("write true" if yes else "write false" if no else "write true or false"), None
        short = _short(kind)
        if short and node.value is not None:
            return f"write {{{short}: {short(text)}}}", None
    elif isinstance(node, Seq):
        if len(node.items) == 1 and isinstance(node.items[0], Scalar):
            return f"write it without the brackets or the dash: {node.items[0].text}", None
        if "map" not in accepted:
            return "write one value, not a list", None
    elif "list" in accepted and node.entries:
        name = node.entries[0].name
        named = "name" in _keys_of(kind)
        example = f"- name: {name}" if named else f"- {name}"
        return f"write a list, each entry with a dash before it: `{example}`", None
    elif node.get("env") is not None:
        return "write the value itself: the environment is read only where a collection is named", None
    return f"write {_wanted(kind)}{_such_as(kind)}", None


def _number_in(text: str) -> str:
    """The help for a number that is written with its unit, or otherwise as text."""
    found = re.search(r"(\d{1,9})\s*([a-z]*)", text.lower())
    if found is None:
        return "write a number"
    days = next((size for unit, size in _UNITS if found[2].startswith(unit)), 1)
    return f"write the number alone: {int(found[1]) * days}"


def _wrap(node: Scalar) -> tuple[Edit, ...]:
    start, end = node.span, node.span
    return (
        Edit(Span(start.line, start.column, start.line, start.column), "["),
        Edit(Span(end.end_line, end.end_column, end.end_line, end.end_column), "]"),
    )


def _wanted(kind: Kind) -> str:
    """What a kind is, in words."""
    if isinstance(kind, Text):
        return (
            "text"
            if kind.what in ("text", "an expression")
            else f"text ({kind.what})"
            if " " not in kind.what[3:]
            else kind.what
        )
    if isinstance(kind, Words):
        return (
            "one of " + ", ".join(_word(one) for one in kind.words)
            if len(kind.words) > 1
            else _word(kind.words[0])
        )
    if isinstance(kind, Number):
        return "a whole number" if kind.whole else "a number"
    if isinstance(kind, Flag):
        return "true or false"
    if isinstance(kind, Null):
        return "null"
    if isinstance(kind, ListOf):
        return "a list"
    if isinstance(kind, Either):
        return " or ".join(dict.fromkeys(_wanted(one) for one in kind.kinds))
    if isinstance(kind, Keys):
        names = [one.name for one in kind.keys if one.required] or [one.name for one in kind.keys]
        return f"a mapping ({', '.join(names[:3])}{', …' if len(kind.keys) > len(names[:3]) else ''})"
    if isinstance(kind, Cases):
        return _wanted(kind.other)
    return "a mapping"


def _such_as(kind: Kind) -> str:
    if isinstance(kind, Either):
        return next((found for one in kind.kinds if (found := _such_as(one))), "")
    return f", such as {kind.examples[0]}" if isinstance(kind, Text) and kind.examples else ""


def _short(kind: Kind) -> str:
    if isinstance(kind, Either):
        return next((found for one in kind.kinds if (found := _short(one))), "")
    return kind.short if isinstance(kind, Keys) else ""


def _keys_of(kind: Kind) -> frozenset[str]:
    """The keys that the entries of a list, or one of several kinds, may have."""
    if isinstance(kind, ListOf):
        return _keys_of(kind.item)
    if isinstance(kind, Either):
        return frozenset().union(*(_keys_of(one) for one in kind.kinds))
    if isinstance(kind, Cases):
        return _keys_of(kind.other)
    return frozenset(kind.of(None)) if isinstance(kind, Keys) else frozenset()


def _word(word: object) -> str:
    return "null" if word is None else str(word)


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _nearest(word: str, words: list[str]) -> str | None:
    from difflib import get_close_matches

    near = get_close_matches(word, words, 1, 0.6)
    return near[0] if near else None


__all__ = ["Paths", "bad_text", "beyond", "is_near", "missing", "place", "unknown_word", "wrong_kind"]
