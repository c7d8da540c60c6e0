"""Why a text is no YAML, in the words of someone who writes specs and not of the YAML standard.

The parser says where it stopped and what it wanted there; what was meant is read from the text around that place.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dashpipe.spec.codes import finding
from dashpipe.spec.diagnostic import Diagnostic, Span

if TYPE_CHECKING:
    from yaml import YAMLError
    from yaml.events import ScalarEvent

    from dashpipe.spec.node import Scalar

TEMPLATE_HELP = "write the value itself; one that differs between environments is {env: NAME, default: …} where a collection is named"
ANCHOR_HELP = "write the value out where it is used; text that begins with & stands in quotes"
ALIAS_HELP = "write the value out; text that begins with * stands in quotes"
TAG_HELP = "take the tag out; text that begins with ! stands in quotes"
NUMBER_HELP = "write a finite number (an integer within 64 bits), or put it in quotes if it is text"

#: Control characters, invisible line ends, and marks that reorder or hide what is read.
_BAD = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\u200a\u200c-\u2027\u202f-\u205f\u2070-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_PRESET = re.compile(r"@(hourly|daily|weekly|monthly|quarterly|yearly|annually|midnight|once)\b")
_KEY = re.compile(r"[A-Za-z_][\w.-]*")


def bad_character(text: str, file: str) -> Diagnostic | None:
    """The first character that no spec may hold."""
    match = _BAD.search(text)
    if match is None:
        return None
    one = ord(match[0])
    at = span(text, match.start(), match.end())
    if one == 0xFEFF:
        what = "a byte order mark in the middle of the file"
    elif one < 0x20 or 0x7F <= one < 0xA0:
        what = f"a control character (U+{one:04X})"
    else:
        what = f"an invisible character (U+{one:04X})"
    return finding("Y017", f"here stands {what}", file, at, "delete it, or write the line anew")


def explain(text: str, file: str, error: YAMLError, last: ScalarEvent | None) -> Diagnostic:
    """The finding for what the parser refused.

    Args:
        text: The file's text.
        file: Its name.
        error: What the parser raised.
        last: The last single value that it read before.
    """
    problem = str(getattr(error, "problem", None) or "")
    context = str(getattr(error, "context", None) or "")
    mark, begun = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    if mark is None:
        return finding(
            "Y001", "this cannot be read as YAML", file, Span(1, 1, 1, 1), "compare it with an example"
        )
    at = min(mark.index, len(text))
    start = at if begun is None else min(begun.index, len(text))
    code, message, place, help = _explain(text, problem, context, at, start, last)
    return finding(code, message, file, span(text, *place), help)


_Found = tuple[str, str, tuple[int, int], str]


def _explain(text: str, problem: str, context: str, at: int, start: int, last: ScalarEvent | None) -> _Found:
    first = text[at : at + 1]
    if "tab character" in problem or (first == "\t" and "start any token" in problem):
        stop = at + len(text[at:]) - len(text[at:].lstrip("\t"))
        return (
            "Y004",
            "a tab stands where the line is indented",
            (at, max(stop, at + 1)),
            "indent with blanks: two a level",
        )
    template = text.rfind("{{", text.rfind("\n", 0, at) + 1, at)
    if template >= 0 and text[:template].rstrip(" ").endswith((":", "-")):
        return "Y002", "`{{` begins a template, and specs have none", (template, template + 2), TEMPLATE_HELP
    if "start any token" in problem:
        return _first_character(text, at)
    if "alias" in context or "anchor" in context or "tag" in context:
        return _first_character(text, start)
    if "block scalar" in context:
        return _first_character(text, start)
    if "quoted scalar" in context and ("escape" in problem or "hex" in problem.lower()):
        stop = at + 2 if text[at] == "\\" else at + 1
        help = "write the text in single quotes, or each \\ twice"
        return "Y008", f"`{text[at:stop]}` is no escape of double-quoted text", (at, stop), help
    if "quoted scalar" in context:
        return (
            "Y005",
            "this quote is opened and not closed",
            (start, start + 1),
            f"end the text with {text[start]}",
        )
    open_quote = _open_quote(text, at, last)
    if open_quote is not None:
        help = f"end the text with {text[open_quote]} on its line"
        return "Y005", "this quote is opened and not closed", (open_quote, open_quote + 1), help
    if "flow" in context:
        return _brackets(text, context, at, start)
    if "mapping values" in problem:
        return _colon(text, at)
    if "simple key" in context:
        return _no_colon(text, start)
    if "block sequence entries" in problem:
        help = "begin the list on the next line, or write it in brackets: [a, b]"
        return "Y001", "a list cannot begin on the line of its key", (at, at + 1), help
    if "expected key" in problem or "'-' indicator" in problem or "document start" in problem:
        return _indent(text, at, context, last)
    return (
        "Y001",
        f"this cannot be read as YAML: {problem}",
        _word(text, at),
        "compare the line with those around it",
    )


def _first_character(text: str, at: int) -> _Found:
    """A value whose first character means something to YAML."""
    first = text[at : at + 1]
    rest = _line(text, at)
    stop = at + 1
    message = f"a value cannot begin with {first} unless it stands in quotes"
    if first == "*":
        stop = at + len(rest.split(" ", 1)[0])
    elif first == "`":
        stop = at + len(rest)
    preset = _PRESET.match(rest)
    if preset is not None:
        return "Y002", message, (at, stop), f'write "{preset[0]}", with the quotes'
    quote = "'" if '"' in rest or "\\" in rest else '"'
    shown = rest if quote not in rest and len(rest) <= 60 else "…"
    return "Y002", message, (at, stop), f"put the whole value in quotes: {quote}{shown}{quote}"


def _open_quote(text: str, at: int, last: ScalarEvent | None) -> int | None:
    """Where a quote was opened that another, lines below, seems to close."""
    if last is None or last.style not in ("'", '"'):
        return None
    start, end = last.start_mark, last.end_mark
    if start.line == end.line or text.count("\n", end.index, at) > 0:
        return None
    return int(start.index)


def _brackets(text: str, context: str, at: int, start: int) -> _Found:
    """Brackets that do not close, or values in them without a comma."""
    opening = "[" if "sequence" in context else "{"
    closing = "]" if opening == "[" else "}"
    if text.count("\n", start, at) > 0 or not text[at:].strip():
        help = f"end it with {closing}"
        return "Y005", f"this {opening} is opened and not closed", (start, start + 1), help
    help = f"put a comma between the values, and {closing} after the last; text with , : [ ] {{ }} stands in quotes"
    return "Y005", f"here a comma or {closing} is missing", _word(text, at), help


def _colon(text: str, at: int) -> _Found:
    """A colon within a value, or a key that is indented deeper than its neighbours."""
    begin = text.rfind("\n", 0, at) + 1
    before = text[begin:at]
    word = before.strip(" ").removeprefix("- ")
    if _KEY.fullmatch(word) and before.startswith(" ") and begin:
        start = begin + before.index(word)
        return (
            "Y006",
            f"`{word}` is indented deeper than the keys around it",
            (start, at),
            "give keys of one mapping the same indent",
        )
    value = before.split(": ", 1)[-1].strip() + _line(text, at)
    quote = "'" if '"' in value else '"'
    shown = value if quote not in value and len(value) <= 60 else "…"
    help = f"put the text in quotes: {quote}{shown}{quote}"
    return "Y003", "a colon followed by a blank cannot stand in text without quotes", (at, at + 1), help


def _no_colon(text: str, start: int) -> _Found:
    """A line that is neither a key with its value nor the entry of a list."""
    line = _line(text, start)
    match = re.match(r"([A-Za-z_][\w.-]*):(?=\S)", line)
    if match is not None:
        stop = start + len(line)
        help = f"write `{match[1]}: {line[match.end() :]}`"
        return "Y007", "the blank after the colon is missing", (start, stop), help
    match = re.match(r"-(?=\w)", line)
    if match is not None:
        return (
            "Y007",
            "the blank after the dash is missing",
            (start, start + len(line)),
            f"write `- {line[1:]}`",
        )
    help = "write `key: value`, or `- ` before the entry of a list"
    if "\xa0" in line:
        help = "a no-break space (U+00A0) stands in this line: write a plain blank"
    return (
        "Y001",
        "this line is neither a key with a value nor the entry of a list",
        (start, start + len(line)),
        help,
    )


def _indent(text: str, at: int, context: str, last: ScalarEvent | None) -> _Found:
    """A line that begins too far left or right, or text after a closed quote or bracket."""
    place = _word(text, at)
    begin = text.rfind("\n", 0, at) + 1
    if text[begin:at].strip(" -"):
        if last is not None and last.style in ("'", '"') and last.end_mark.index <= at:
            quote = "'" if last.style == '"' else '"'
            help = f"put the whole value in quotes, and use {quote} for the outer ones"
            return "Y002", "text goes on after the closing quote", place, help
        return "Y001", "text goes on after the end of the value", place, "put the whole value in quotes"
    word = text[slice(*place)]
    if "sequence" in context:
        return (
            "Y006",
            f"`{word}` does not line up with the list above",
            place,
            "give all entries of a list the same indent",
        )
    return (
        "Y006",
        f"`{word}` does not line up with the keys above",
        place,
        "give keys of one mapping the same indent",
    )


def no_value(text: str, key: Scalar, at: int) -> _Found2:
    """What to say of a key without a value.

    Returns:
        Code, message, span, help.
    """
    stop = offset(text, key.span)
    name = short(key.text)
    rest = text[stop:].split("\n", 1)[0]
    after = rest.lstrip(" ")
    if not after.startswith(":"):
        match = re.match(r"([\w.-]+):(\S.*)", key.text)
        if match is not None:
            return "Y007", "the blank after the colon is missing", key.span, f"write {match[1]}: {match[2]}"
        return (
            "Y015",
            f"`{name}` has no value",
            key.span,
            f"write {name}: and its value; a list stands in brackets [ ]",
        )
    colon = stop + len(rest) - len(after) + 1
    comment = after[1:].strip(" \r")
    if comment.startswith("#"):
        begin = text.index("#", colon)
        help = "put it in quotes if it is the value; else write a value, or take the key out"
        return (
            "Y014",
            f"# begins a comment, so `{name}` has no value",
            span(text, begin, begin + len(comment)),
            help,
        )
    return "Y015", f"`{name}` has no value", span(text, colon, colon), "write the value, or take the key out"


_Found2 = tuple[str, str, Span, str]


def is_template(text: str, at: int) -> bool:
    """Whether a mapping within a mapping at an offset is what a template's two braces look like."""
    return at > 0 and text[at - 1 : at + 1] == "{{"


def tag_span(text: str, at: int) -> Span:
    """The place of the value that a tag stands before: to the end of its line."""
    return span(text, at, at + len(_line(text, at)))


def first_of_line(text: str, at: int) -> bool:
    """Whether only blanks stand before an offset in its line."""
    return not text[text.rfind("\n", 0, at) + 1 : at].strip(" ")


def kind(value: Any) -> str:
    """What a plain scalar was read as."""
    if value is None:
        return "null"
    return "boolean" if isinstance(value, bool) else "number"


def short(text: str, most: int = 40) -> str:
    """A text for a message: its first line, cut where it is long."""
    first = text.split("\n", 1)[0]
    return first if len(first) == len(text) and len(first) <= most else first[:most] + "…"


def span(text: str, start: int, end: int) -> Span:
    """The span between two offsets of a text."""
    start, end = min(start, len(text)), min(end, len(text))
    return Span(*_place(text, start), *_place(text, end))


def offset(text: str, place: Span) -> int:
    """The offset of a span's end."""
    at = 0
    for _ in range(place.end_line - 1):
        at = _BREAK.search(text, at).end()  # type: ignore[union-attr]
    return at + place.end_column - 1


_BREAK = re.compile(r"\r\n|\r|\n")


def _place(text: str, at: int) -> tuple[int, int]:
    line, begin = 1, 0
    for match in _BREAK.finditer(text, 0, at):
        line, begin = line + 1, match.end()
    return line, at - begin + 1


def _line(text: str, at: int) -> str:
    """From an offset to the end of its line, without blanks there and without a comment."""
    line = re.split(r"[\r\n]", text[at:], maxsplit=1)[0]
    return re.split(r" #", line, maxsplit=1)[0].rstrip()


def _word(text: str, at: int) -> tuple[int, int]:
    """The word at an offset."""
    match = re.compile(r"[\w.-]+|\S|").match(text, at)
    assert match is not None
    return at, max(match.end(), at)
