"""Why a text is no YAML, in the words of those who write specs and not of the YAML standard.

The parser says where it stopped and what it wanted there; what was meant is read from the text around it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dashpipe.spec.codes import finding
from dashpipe.spec.diagnostic import Diagnostic, Span
from dashpipe.spec.odd import TEMPLATE, TEMPLATE_HELP, in_quotes
from dashpipe.spec.offsets import line_start, rest_of_line, span, word_at

if TYPE_CHECKING:
    from yaml import YAMLError

_PRESET = re.compile(r"@(hourly|daily|weekly|monthly|quarterly|yearly|annually|midnight|once)\b")
_KEY = re.compile(r"[A-Za-z_][\w.-]*")

#: Code, message, offsets of the place, help.
_Found = tuple[str, str, tuple[int, int], str]


def explain(text: str, file: str, error: YAMLError, last: Any) -> Diagnostic:
    """The finding for what the parser refused.

    Args:
        text: The file's text.
        file: Its name.
        error: What the parser raised.
        last: The event of the last scalar before it, if there was one.
    """
    mark, begun = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    if mark is None:
        return finding(
            "Y001", "this cannot be read as YAML", file, Span(1, 1, 1, 1), "compare it with an example"
        )
    at = min(mark.index, len(text))
    start = at if begun is None else min(begun.index, len(text))
    problem = str(getattr(error, "problem", None) or "")
    context = str(getattr(error, "context", None) or "")
    code, message, place, help = _explain(text, problem, context, at, start, last)
    return finding(code, message, file, span(text, *place), help)


def _explain(text: str, problem: str, context: str, at: int, start: int, last: Any) -> _Found:
    first = text[at : at + 1]
    if "tab character" in problem or (first == "\t" and "start any token" in problem):
        return _tab(text, at)
    template = text.rfind("{{", line_start(text, at), at)
    if template >= 0 and text[:template].rstrip(" ").endswith((":", "-")):
        return "Y002", TEMPLATE, (template, template + 2), TEMPLATE_HELP
    if "start any token" in problem:
        return _first_character(text, at)
    if any(one in context for one in ("alias", "anchor", "tag", "block scalar", "directive")):
        tag = re.search(r"(?:: |- )(!\S*) *$", text[line_start(text, start) : start])
        return _first_character(text, start if tag is None else line_start(text, start) + tag.start(1))
    if "quoted scalar" in context and ("escape" in problem or "hexdecimal" in problem):
        at = text.rfind("\\", 0, at + 1)
        help = "write the text in single quotes, or each \\ twice"
        return "Y008", f"`{text[at : at + 2]}` is no escape of double-quoted text", (at, at + 2), help
    opened = start if "quoted scalar" in context else _open_quote(text, at, last)
    if opened is not None:
        help = f"end the text with {text[opened]} on its line"
        return "Y005", "this quote is opened and not closed", (opened, opened + 1), help
    if "flow" in context:
        return _brackets(text, context, at, start)
    if "mapping values" in problem:
        return _colon(text, at)
    if "simple key" in context:
        return _no_colon(text, start)
    if "block sequence entries" in problem:
        help = "begin the list on the next line, or write it in brackets: [a, b]"
        return "Y001", "a list cannot begin on the line of its key", (at, at + 1), help
    if "expected key" in problem or "'-' indicator" in problem:
        return _indent(text, at, context, last)
    if "document start" in problem:
        return _after_document(text, at, last)
    return (
        "Y001",
        f"this cannot be read as YAML: {problem}",
        word_at(text, at),
        "compare it with the lines around it",
    )


def _tab(text: str, at: int) -> _Found:
    """A tab where only blanks may stand."""
    begin = at
    while begin > 0 and text[begin - 1] == "\t":
        begin -= 1
    end = at
    while text[end : end + 1] == "\t":
        end += 1
    return (
        "Y004",
        "a tab stands where the line is indented",
        (begin, max(end, begin + 1)),
        "indent with two blanks a level",
    )


def _first_character(text: str, at: int) -> _Found:
    """A value whose first character means something to YAML."""
    first = text[at : at + 1]
    rest = _value_at(text, at)
    stop = at + 1
    if first == "*":
        stop = at + len(rest.split(" ", 1)[0])
    elif first == "`":
        stop = at + len(rest)
    message = f"a value that begins with {first} needs quotes"
    preset = _PRESET.match(rest)
    if preset is not None:
        return "Y002", message, (at, stop), f'write "{preset[0]}", with the quotes'
    return "Y002", message, (at, stop), f"put the whole value in quotes: {in_quotes(rest)}"


def _open_quote(text: str, at: int, last: Any) -> int | None:
    """Where a quote was opened that another one, lines below, seems to close."""
    if last is None or last.style not in ("'", '"'):
        return None
    start, end = last.start_mark, last.end_mark
    if start.line == end.line or "\n" in text[end.index : at].strip(" "):
        return None
    return int(start.index)


def _brackets(text: str, context: str, at: int, start: int) -> _Found:
    """Brackets that do not close, or values in them without a comma."""
    opening, closing = ("[", "]") if "sequence" in context else ("{", "}")
    if "\n" in text[start:at] or "\r" in text[start:at] or not text[at:].strip():
        return (
            "Y005",
            f"this {opening} is opened and not closed",
            (start, start + 1),
            f"end it with {closing}",
        )
    value = _cut_value(text, start, at)
    if value is not None:
        end = _closed(text, value)
        help = f"put the whole value in quotes: {in_quotes(text[value:end])}"
        return "Y002", "a comma ends a value within braces", (value, end), help
    help = f"put a comma between values, and {closing} after the last; text with , : [ {{ needs quotes"
    key = re.search(r"[\w.-]+$", text[start:at]) if text[at : at + 1] == ":" else None
    place = word_at(text, at) if key is None else (start + key.start(), at)
    return "Y005", f"here a comma or {closing} is missing", place, help


def _cut_value(text: str, start: int, at: int) -> int | None:
    """Where a value within braces began that a comma between round brackets ended."""
    begun = re.compile(r"(?:^|[{\[,])\s*(?:[\w.-]+: +)?(?P<value>[^,{}\[\]]*\([^)]*)$")
    match = begun.search(text[start:at])
    return None if match is None else start + match.start("value")


def _closed(text: str, start: int) -> int:
    """Where a value ends whose round brackets hold commas: behind the last bracket, and what follows it."""
    depth = 0
    line = rest_of_line(text, start)
    for at, one in enumerate(line):
        depth += (one == "(") - (one == ")")
        if depth <= 0 and one in ",}]":
            return start + len(line[:at].rstrip())
    return start + len(line)


def _value_at(text: str, at: int) -> str:
    """The value that begins at an offset: to the end of its line, or of its place in brackets or braces."""
    rest = rest_of_line(text, at)
    before = text[line_start(text, at) : at]
    if before.count("{") > before.count("}") or before.count("[") > before.count("]"):
        return re.split(r"[,}\]]", rest, maxsplit=1)[0].rstrip()
    return rest


def _colon(text: str, at: int) -> _Found:
    """A colon within a value, or a key that is indented deeper than its neighbours."""
    begin = line_start(text, at)
    before = text[begin:at]
    word = before.strip(" ").removeprefix("- ").strip(" ")
    if _KEY.fullmatch(word) and before.startswith((" ", "-")) and begin:
        start = at - len(before) + before.index(word)
        help = "give the keys of one mapping the same indent; a key has either a value or keys below it"
        return "Y006", f"`{word}` is indented deeper than the keys above", (start, at), help
    odd = text.find(":\xa0", line_start(text, begin - 1) if begin else 0, at)
    if odd >= 0:
        help = "this blank is a no-break space (U+00A0): write a plain one"
        return "Y007", "the blank after the colon is missing", (odd + 1, odd + 2), help
    value = before.split(": ", 1)[-1].strip() + rest_of_line(text, at)
    help = f"put the text in quotes: {in_quotes(value)}"
    return "Y003", "a colon followed by a blank needs quotes around the text", (at, at + 1), help


def _no_colon(text: str, start: int) -> _Found:
    """A line that is neither a key with its value nor the entry of a list."""
    line = rest_of_line(text, start)
    place = (start, start + max(len(line), 1))
    glued = re.match(r"([A-Za-z_][\w.-]*):(?=\S)", line)
    if glued is not None:
        help = f"write `{glued[1]}: {line[glued.end() :]}`"
        return "Y007", "the blank after the colon is missing", place, help
    if re.match(r"-(?=\w)", line):
        return "Y007", "the blank after the dash is missing", place, f"write `- {line[1:]}`"
    if ":\xa0" in line:
        at = start + line.index("\xa0")
        help = "this blank is a no-break space (U+00A0): write a plain one"
        return "Y007", "the blank after the colon is missing", (at, at + 1), help
    help = "write `key: value`, or a dash and a blank before the entry of a list"
    return "Y001", "this line is neither a key with a value nor the entry of a list", place, help


def _indent(text: str, at: int, context: str, last: Any) -> _Found:
    """A line that begins too far left or right, or text after a closed quote."""
    if text[line_start(text, at) : at].strip(" -"):
        return _after_value(text, at, last)
    place = word_at(text, at)
    word = text[slice(*place)]
    if "sequence" in context and word != "-":
        return (
            "Y006",
            f"`{word}` stands within a list, and is no entry of it",
            place,
            "begin each entry with `- `",
        )
    help = "give what belongs together the same indent, and what is under a key a deeper one"
    return "Y006", f"`{word}` does not line up with the lines above", place, help


def _after_value(text: str, at: int, last: Any) -> _Found:
    """Text after the end of a value."""
    place = word_at(text, at)
    if last is not None and last.style in ("'", '"'):
        other = "'" if last.style == '"' else '"'
        help = f"put the whole value in quotes of the other kind: {other}…{other}"
        return "Y002", "text goes on after the closing quote", place, help
    return "Y001", "text goes on after the end of the value", place, "put the whole value in quotes"


def _after_document(text: str, at: int, last: Any) -> _Found:
    """Text after a file's only value, which was no mapping of keys."""
    if text[line_start(text, at) : at].strip(" -"):
        return _after_value(text, at, last)
    help = "a spec is lines of `key: value`, all keys at the same indent"
    return "Y006", "the file's value ends above this line", word_at(text, at), help
