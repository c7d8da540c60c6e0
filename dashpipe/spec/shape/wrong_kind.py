"""What to say of a value of another kind: a text for a number, one value for a list. Loaded only then."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING

from dashpipe.spec.diagnostic import Edit, Fix, Span
from dashpipe.spec.node import Map, Node, Scalar, Seq
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
    Text,
    Words,
    takes,
)
from dashpipe.spec.shape.walk import form
from dashpipe.spec.shape.wording import listed, title

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
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_YES, _NO = ("yes", "y", "on", "1", "true"), ("no", "n", "off", "0", "false")

_Help = tuple[str, "Fix | None"]


def wrong_kind(node: Node, kind: Kind, path: Path) -> tuple[str, str, Fix | None]:
    """Message, help and a safe change for a value of another kind."""
    is_ = _FORMS[form(node)]
    if isinstance(kind, Number) and isinstance(node, Scalar) and isinstance(node.value, float):
        is_ = "one with a point" if node.value.is_integer() else "one with a fraction"
    message = f"{title(path)} must be {_wanted(kind)}, and this is {is_}"
    if isinstance(node, Scalar):
        help, fix = _instead_of_one(node, kind)
    else:
        help, fix = (
            (_instead_of_list(node, kind) if isinstance(node, Seq) else _instead_of_map(node, kind)),
            None,
        )
    return message, help, fix


def _instead_of_one(node: Scalar, kind: Kind) -> _Help:
    """For a single value."""
    accepted, text, span = takes(kind), node.text, node.span
    if "list" in accepted:
        if text.startswith("- "):
            return "begin the list on the next line", None
        one = _quoted(text) if node.style else text
        fix = Fix(f"write [{one}]", _brackets(span)) if span.line == span.end_line else None
        return f"write a list: [{one}]", fix
    if "number" in accepted:
        if node.value == text and _NUMBER.fullmatch(text):
            fix = Fix("take the quotes away", (Edit(span, text),)) if node.style in ("'", '"') else None
            return f"write it without quotes: {text}", fix
        return _number_in(text), None
    special = _text(kind)
    if special is not None and (special.pattern or special.examples):
        return special.help, None
    if special is not None and node.value is not None:
        return f"put it in quotes: {_quoted(text)}", Fix("put it in quotes", (Edit(span, _quoted(text)),))
    if "flag" in accepted:
        word = text.lower()
        return f"write {'true' if word in _YES else 'false' if word in _NO else 'true or false'}", None
    if node.value is not None and (example := _example(kind, short(text))):
        return f"write {example}", None
    return f"write {_wanted(kind)}", None


def _instead_of_list(node: Seq, kind: Kind) -> str:
    """For a list."""
    if len(node.items) == 1 and isinstance(node.items[0], Scalar):
        return f"write it without the brackets or the dash: {short(node.items[0].text)}"
    return f"write {_wanted(kind)}, without brackets or dashes"


def _instead_of_map(node: Map, kind: Kind) -> str:
    """For a mapping."""
    if "list" in takes(kind) and node.entries:
        name = short(node.entries[0].name)
        example = f"- name: {name}" if "name" in _keys_of(kind) else f"- {name}"
        return f"write a list, each entry with a dash before it: `{example}`"
    if node.get("env") is not None:
        return "write the value itself: the environment is read only where a collection is named"
    return f"write {_wanted(kind)}"


def _quoted(text: str) -> str:
    """A text as YAML in quotes."""
    if not text.isprintable():
        return json.dumps(text, ensure_ascii=False)
    return "'" + text.replace("'", "''") + "'" if '"' in text or "\\" in text else f'"{text}"'


def _brackets(span: Span) -> tuple[Edit, ...]:
    line, end = span.line, span.end_column
    return Edit(Span(line, span.column, line, span.column), "["), Edit(Span(line, end, line, end), "]")


def _number_in(text: str) -> str:
    """The help for a number that is written with its unit, or otherwise as text."""
    percent = re.fullmatch(r"(\d{1,3}(?:\.\d+)?)\s*%", text.strip())
    if percent is not None:
        return f"write it as a share: {Decimal(percent[1]).scaleb(-2).normalize():f}"
    found = re.search(r"(\d{1,9})\s*([a-z]*)", text.lower())
    if found is None:
        return "write a number"
    days = next((size for unit, size in _UNITS if found[2].startswith(unit)), 1)
    return f"write the number alone: {int(found[1]) * days}"


def _wanted(kind: Kind) -> str:
    """What a kind is, in words."""
    if isinstance(kind, Text):
        return kind.what
    if isinstance(kind, Words):
        words = listed(kind)
        return f"one of {', '.join(words)}" if len(words) > 1 else words[0]
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
    if isinstance(kind, Cases):
        return _wanted(kind.other)
    if isinstance(kind, Keys):
        names = [one.name for one in kind.keys if one.required] or [one.name for one in kind.keys]
        more = ", …" if len(kind.keys) > len(names[:3]) else ""
        return f"a mapping ({', '.join(names[:3])}{more})"
    return "a mapping"


def _text(kind: Kind) -> Text | None:
    """The text that a kind may be."""
    if isinstance(kind, Either):
        return next((found for one in kind.kinds if (found := _text(one)) is not None), None)
    return kind if isinstance(kind, Text) else None


def _example(kind: Kind, text: str) -> str:
    """The mapping that a bare text probably means."""
    if isinstance(kind, Either):
        return next((found for one in kind.kinds if (found := _example(one, text))), "")
    if isinstance(kind, Cases):
        return _example(kind.then, text) or _example(kind.other, text)
    if not isinstance(kind, Keys) or not kind.short:
        return ""
    rest = [f"{one.name}: …" for one in kind.keys if one.required and one.name != kind.short]
    return f"{{{', '.join((f'{kind.short}: {text}', *rest))}}}"


def _keys_of(kind: Kind) -> frozenset[str]:
    """The keys that the entries of a list may have."""
    if isinstance(kind, ListOf):
        return _keys_of(kind.item)
    if isinstance(kind, Either):
        return frozenset().union(*(_keys_of(one) for one in kind.kinds))
    if isinstance(kind, Cases):
        return _keys_of(kind.other)
    return frozenset(kind.of(None)) if isinstance(kind, Keys) else frozenset()
