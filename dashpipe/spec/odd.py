"""What is YAML and yet not what was meant: values and keys that the reader refuses, in plain words."""

from __future__ import annotations

import re

from dashpipe.spec.diagnostic import Span
from dashpipe.spec.node import Node, Scalar, Seq
from dashpipe.spec.offsets import end_of, line_start, rest_of_line, span

TEMPLATE = "`{{` begins a template, and specs have none"
TEMPLATE_HELP = (
    "write the value itself; a collection's name may come from the environment: {env: NAME, default: …}"
)
ANCHOR_HELP = "write the value out where it is used; text that begins with & stands in quotes"
ALIAS_HELP = "write the value out; text that begins with * stands in quotes"
TAG_HELP = "take the tag out; text that begins with ! stands in quotes"
NUMBER_HELP = "write a finite number, a whole one within 64 bits; in quotes it is text"

_OPENING, _CLOSING = frozenset("“”„‟«»‘’‚‛"), frozenset("“”„‟«»‘’‚‛")
_WORD = re.compile(r"[\w.-]*")
_GLUED = re.compile(r"([A-Za-z_][\w.-]*):(\S.*)")

#: Code, message, place, help.
Wrong = tuple[str, str, Span, str]


def bad_text(text: str, value: str, place: Span, start: int) -> Wrong | None:
    """What is wrong with a plain text, if anything.

    Args:
        text: The file's text.
        value: The plain text.
        place: Its place.
        start: The offset at which it begins.
    """
    if value[0] in _OPENING and value[-1] in _CLOSING:
        return (
            "Y016",
            "curly quotes do not quote: they are part of this text",
            place,
            'write straight quotes: "…"',
        )
    if value[0] == "-" and value[1:2].isalpha() and not text[line_start(text, start) : start].strip(" -"):
        first = value.split(maxsplit=1)[0]
        at = span(text, start, start + len(first))
        return "Y007", "the blank after the dash is missing", at, f"write `- {short(first[1:])}`"
    return None


def bad_key(text: str, key: Node, at: int) -> Wrong:
    """What is wrong with a mapping's key that is no text.

    Args:
        text: The file's text.
        key: The key.
        at: The offset at which it begins.
    """
    if is_template(text, at):
        return "Y002", TEMPLATE, key.span, TEMPLATE_HELP
    if not isinstance(key, Scalar):
        what = "list" if isinstance(key, Seq) else "mapping"
        before = text[:at].rstrip()
        place = span(text, len(before) - 1, end_of(text, key.span)) if before.endswith("?") else key.span
        return "Y012", f"a {what} stands where a key belongs", place, "a key is one word"
    if key.text == "<<":
        return (
            "Y011",
            "`<<` merges another mapping, and specs have no such",
            key.span,
            "write the keys themselves here",
        )
    if not key.text:
        return "Y012", "there is no key before this colon", key.span, "write the key"
    kind = "null" if key.value is None else "a boolean" if isinstance(key.value, bool) else "a number"
    name = short(key.text)
    return (
        "Y012",
        f"the key `{name}` is read as {kind}",
        key.span,
        f'write a name; in quotes it is one: "{name}"',
    )


def no_value(text: str, key: Scalar) -> tuple[str, str, Span, str, str]:
    """What to say of a key without a value.

    Returns:
        Code, message, place, help, and the key that was meant.
    """
    stop = end_of(text, key.span)
    name = short(key.text)
    rest = re.split(r"[\r\n]", text[stop : stop + 2000], maxsplit=1)[0]
    after = rest.lstrip(" ")
    if not after.startswith(":"):
        glued = _GLUED.fullmatch(key.text)
        if glued is not None and not key.style:
            help = f"write `{short(glued[1])}: {short(glued[2])}`"
            return "Y007", "the blank after the colon is missing", key.span, help, glued[1]
        return "Y015", f"`{name}` has no value", key.span, f"write `{name}: …`", key.text
    colon = stop + len(rest) - len(after) + 1
    comment = after[1:].strip(" \t")
    if comment.startswith("#"):
        begin = text.index("#", colon)
        place = span(text, begin, begin + len(comment))
        help = "put the value in quotes if it begins with #; else write one, or take the key out"
        return "Y014", f"# begins a comment, so `{name}` has no value", place, help, key.text
    help = "write the value, or take the key out"
    return "Y015", f"`{name}` has no value", span(text, colon, colon), help, key.text


def comma(text: str, last: Node, key: Scalar) -> Wrong | None:
    """What is wrong where a comma ended a value within braces: between round brackets, or before no name.

    Args:
        text: The file's text.
        last: The value before the comma.
        key: What stands after it, read as a key without a value.
    """
    if not isinstance(last, Scalar) or last.style:
        return None
    whole = text[last.start : end_of(text, key.span)]
    before = text[last.start : key.start]
    cut = before.count("(") > before.count(")") or (is_bare(text, key) and not _WORD.fullmatch(key.text))
    cut = cut or (key.style == "'" and is_bare(text, key))
    if "\n" in whole or not cut:
        return None
    place = Span(last.span.line, last.span.column, key.span.end_line, key.span.end_column)
    return (
        "Y002",
        "a comma ends a value within braces",
        place,
        f"put the whole value in quotes: {in_quotes(whole)}",
    )


def in_quotes(value: str) -> str:
    """A text in quotes, for a help; cut where it is long or has quotes of both kinds."""
    quote = "'" if '"' in value or "\\" in value else '"'
    return f"{quote}{value if quote not in value and len(value) <= 60 else '…'}{quote}"


def is_bare(text: str, key: Scalar) -> bool:
    """Whether a key without a value has no colon either, and is no value that is glued to its key."""
    after = text[end_of(text, key.span) :][:200].lstrip()
    return not after.startswith(":") and _GLUED.fullmatch(key.text) is None


def list_in_braces(names: list[str], place: Span) -> Wrong:
    """What is wrong with words in braces: a list was meant."""
    listed = short(", ".join(names), 60)
    return "Y015", "the keys in these braces have no values", place, f"a list stands in brackets: [{listed}]"


def is_template(text: str, at: int) -> bool:
    """Whether the mapping that begins at an offset is the second of a template's two braces."""
    return at > 0 and text[at - 1 : at + 1] == "{{"


def tag(text: str, at: int) -> Span:
    """The place of a tag with its value: to the end of the line."""
    return span(text, at, at + len(rest_of_line(text, at)))


def short(text: str, most: int = 40) -> str:
    """A text for a message: its first line, cut where it is long."""
    first = text.split("\n", 1)[0]
    return first if first == text and len(first) <= most else first[:most] + "…"
