"""From a file's text to its tree of values with places: YAML 1.2 core on the events of the C parser.

Nothing is constructed but text, numbers, booleans and null. Tags, anchors, aliases and merge keys are refused, and
size, depth and number of values are capped, so that no file can take more than a moment.

Where a value is wrong in itself, the finding says so and the tree holds `NOTHING` in its place (an empty plain
scalar), which the checks that follow pass over: one finding a mistake.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from yaml import YAMLError, events
from yaml.cyaml import CParser

from dashpipe.spec import yaml_hints
from dashpipe.spec.codes import finding
from dashpipe.spec.diagnostic import Diagnostic, Related, Span
from dashpipe.spec.node import Entry, Map, Node, Scalar, Seq, nothing
from dashpipe.spec.scalars import NumberError, value

if TYPE_CHECKING:
    from collections.abc import Callable

    from yaml.events import Event, MappingStartEvent, ScalarEvent, SequenceStartEvent

#: The largest file, in bytes (and in code points).
LARGEST = 1_000_000
#: How deep values may lie in one another; a spec needs six levels.
DEEPEST = 32
#: How many values a file may hold.
MOST = 20_000

_CURLY = frozenset("“”„‟«»‘’‚‛")  # noqa: RUF001


class Read(NamedTuple):
    """A file as read. ``node`` is ``None`` where its text cannot be read as YAML at all."""

    node: Node | None
    findings: tuple[Diagnostic, ...]


def decode(data: bytes, file: str) -> tuple[str | None, tuple[Diagnostic, ...]]:
    """A file's text from its bytes: UTF-8, with or without a byte order mark.

    Returns:
        The text, or ``None`` and the finding that says why there is none.
    """
    if len(data) > LARGEST:
        return None, (_too_large(file, f"{len(data):,} bytes"),)
    try:
        return data.decode("utf-8-sig"), ()
    except UnicodeDecodeError as error:
        good = data[: error.start].decode("utf-8-sig")
        found = finding(
            "Y017",
            f"the byte 0x{data[error.start]:02x} is not UTF-8",
            file,
            yaml_hints.span(good + "?", len(good), len(good) + 1),
            "save the file as UTF-8",
        )
        return None, (found,)


def read(text: str, file: str) -> Read:
    """Read a file's text.

    Args:
        text: The whole text, without a byte order mark.
        file: Its name, as findings show it.
    """
    if len(text) > LARGEST:
        return Read(None, (_too_large(file, f"{len(text):,} characters"),))
    bad = yaml_hints.bad_character(text, file)
    if bad is not None:
        return Read(None, (bad,))
    reader = _Reader(text, file)
    try:
        node = reader.document()
    except YAMLError as error:
        return Read(None, (*reader.findings, yaml_hints.explain(text, file, error, reader.last)))
    except _StopError:
        node = None
    return Read(node, tuple(sorted(reader.findings, key=lambda one: one.sort_key)))


def _too_large(file: str, size: str) -> Diagnostic:
    text = f"this file has {size}; a spec has at most {LARGEST:,}"
    return finding("Y018", text, file, Span(1, 1, 1, 1), "split it into several files")


class _StopError(Exception):
    """Reading ends here: the finding is there already."""


class _Reader:
    """Builds the tree from the parser's events."""

    __slots__ = ("anchors", "count", "file", "findings", "last", "next", "text")

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self.findings: list[Diagnostic] = []
        self.next: Callable[[], Event] = CParser(text).get_event
        self.last: ScalarEvent | None = None
        self.anchors: dict[str, Span] = {}
        self.count = 0

    def document(self) -> Node:
        """The file's one document."""
        self.next()  # the stream's start
        event = self.next()
        if type(event) is events.StreamEndEvent:
            return Scalar(None, Span(1, 1, 1, 1), "", 0, "")
        if event.version or event.tags:
            line = _span(event)
            self.found("Y010", "a spec has no directives", line, "take the line with % out")
        node = self.node(self.next(), 0)
        self.next()  # the document's end
        event = self.next()
        if type(event) is not events.StreamEndEvent:
            at = event.start_mark
            span = yaml_hints.span(self.text, at.index, at.index + 3)
            self.found("Y013", "a second document begins here", span, "put it into a file of its own")
        return node

    def node(self, event: Event, depth: int) -> Node:
        """The value that begins with an event."""
        self.count += 1
        if self.count > MOST:
            self.found(
                "Y018", f"this file holds more than {MOST:,} values", _span(event), "split it into several"
            )
            raise _StopError
        kind = type(event)
        if kind is events.AliasEvent:
            return self.alias(event)
        if event.anchor is not None:
            self.anchor(event)
        if event.tag is not None:
            self.tag(event)
        if kind is events.ScalarEvent:
            return self.scalar(event)
        if depth >= DEEPEST:
            self.found(
                "Y018", f"values lie more than {DEEPEST} deep here", _span(event), "a spec needs six levels"
            )
            raise _StopError
        if kind is events.SequenceStartEvent:
            return self.sequence(event, depth + 1)
        return self.mapping(event, depth + 1)

    def sequence(self, event: SequenceStartEvent, depth: int) -> Node:
        """A list."""
        start, end = event.start_mark, event.end_mark
        items: list[Node] = []
        while type(one := self.next()) is not events.SequenceEndEvent:
            item = self.node(one, depth)
            if nothing(item) and type(one) is events.ScalarEvent and not one.value:
                self.empty_item(one)
            items.append(item)
        if event.flow_style:
            end = one.end_mark
        elif items:
            last = items[-1].span
            return Seq(tuple(items), Span(start.line + 1, start.column + 1, last.end_line, last.end_column))
        return Seq(tuple(items), Span(start.line + 1, start.column + 1, end.line + 1, end.column + 1))

    def mapping(self, event: MappingStartEvent, depth: int) -> Node:
        """A mapping; of a key that stands twice, the first counts."""
        start = event.start_mark
        entries: list[Entry] = []
        seen: dict[str, Span] = {}
        template = False
        while type(one := self.next()) is not events.MappingEndEvent:
            key = self.key(one, depth)
            if key is None:
                template = template or yaml_hints.is_template(self.text, one.start_mark.index)
            following = self.next()
            before = len(self.findings)
            item = self.node(following, depth)
            if key is None or key.text == "<<" and not key.style:
                del self.findings[before:]
                continue
            name = str(key.value)
            if name in seen:
                del self.findings[before:]
                self.found(
                    "Y009",
                    f"the key `{name}` stands here a second time",
                    key.span,
                    "keep one of the two",
                    [Related(self.file, seen[name], "the first is here")],
                )
                continue
            seen[name] = key.span
            if type(following) is events.ScalarEvent and nothing(item) and not following.value:
                self.no_value(key, following)
            entries.append(Entry(key, item))
        end = one.end_mark
        span = Span(start.line + 1, start.column + 1, end.line + 1, end.column + 1)
        if template:
            return Scalar(None, span, "", start.index, "")
        if not event.flow_style and entries:
            last = entries[-1].value.span
            span = Span(start.line + 1, start.column + 1, last.end_line, last.end_column)
        return Map(tuple(entries), span)

    def key(self, event: Event, depth: int) -> Scalar | None:
        """A mapping's key, or ``None`` where it is refused."""
        before = len(self.findings)
        key = self.node(event, depth)
        if isinstance(key, Scalar) and isinstance(key.value, str):
            if key.text == "<<" and not key.style:
                self.found("Y011", "merge keys are not read", key.span, "write the keys themselves here")
            return key
        if type(event) is events.AliasEvent:
            return None
        del self.findings[before:]
        if yaml_hints.is_template(self.text, event.start_mark.index):
            self.found(
                "Y002", "`{{` begins a template, and specs have none", key.span, yaml_hints.TEMPLATE_HELP
            )
        elif isinstance(key, Scalar) and key.text:
            text = f"the key `{key.text}` is read as a {yaml_hints.kind(key.value)}, and keys are text"
            self.found("Y012", text, key.span, f'if it is meant as a name, write "{key.text}" in quotes')
        elif isinstance(key, Scalar):
            self.found("Y012", "there is no key before this colon", key.span, "write the key")
        else:
            what = "list" if isinstance(key, Seq) else "mapping"
            at = event.start_mark.index
            before_it = self.text[:at].rstrip()
            span = key.span
            if before_it.endswith("?"):
                span = yaml_hints.span(self.text, len(before_it) - 1, yaml_hints.offset(self.text, span))
            self.found("Y012", f"a {what} stands where a key belongs", span, "a key is one word")
        return None

    def scalar(self, event: ScalarEvent) -> Scalar:
        """A single value."""
        self.last = event
        start, end = event.start_mark, event.end_mark
        style, text = event.style or "", event.value
        span = Span(start.line + 1, start.column + 1, end.line + 1, end.column + 1)
        if style in ("'", '"'):
            return Scalar(text, span, style, start.index, text)
        if style:
            stop = len(self.text[: end.index].rstrip())
            return Scalar(text, yaml_hints.span(self.text, start.index, stop), style, start.index, text)
        try:
            meaning = value(text)
        except NumberError:
            self.found(
                "Y019",
                f"`{yaml_hints.short(text)}` is no number that a spec can use",
                span,
                yaml_hints.NUMBER_HELP,
            )
            return Scalar(None, span, "", start.index, "")
        if isinstance(meaning, str) and (odd := self.odd_text(text, span, start.index)) is not None:
            return odd
        return Scalar(meaning, span, "", start.index, text)

    def odd_text(self, text: str, span: Span, start: int) -> Scalar | None:
        """`NOTHING` in place of a plain text that was meant otherwise."""
        if text[0] in _CURLY and text[-1] in _CURLY:
            self.found("Y016", "curly quotes are part of the text", span, "write straight quotes: \" or '")
        elif text[0] == "-" and text[1:2].isalpha() and yaml_hints.first_of_line(self.text, start):
            first = yaml_hints.span(self.text, start, start + len(text.split(maxsplit=1)[0]))
            self.found(
                "Y007",
                "the blank after the dash is missing",
                first,
                f"write - {text[1:].split(maxsplit=1)[0]}",
            )
        else:
            return None
        return Scalar(None, span, "", start, "")

    def no_value(self, key: Scalar, event: ScalarEvent) -> None:
        """Say that a key has no value, and why."""
        code, text, span, help = yaml_hints.no_value(self.text, key, event.start_mark.index)
        self.found(code, text, span, help)

    def empty_item(self, event: ScalarEvent) -> None:
        """Say that a list's entry is empty."""
        at = event.start_mark.index
        stop = len(self.text[:at].rstrip(" "))
        span = yaml_hints.span(self.text, stop, stop)
        self.found("Y015", "this entry of the list is empty", span, "write the entry, or take the line out")

    def anchor(self, event: Event) -> None:
        """Refuse an anchor, once a name."""
        at = event.start_mark.index
        span = yaml_hints.span(self.text, at, at + len(event.anchor) + 1)
        self.anchors.setdefault(event.anchor, span)
        self.found(
            "Y011", f"`&{event.anchor}` is an anchor, and specs have none", span, yaml_hints.ANCHOR_HELP
        )

    def alias(self, event: Event) -> Scalar:
        """Refuse an alias; with its anchor it is one mistake."""
        span = _span(event)
        if event.anchor not in self.anchors:
            self.found(
                "Y011", f"`*{event.anchor}` is an alias, and specs have none", span, yaml_hints.ALIAS_HELP
            )
        return Scalar(None, span, "", event.start_mark.index, "")

    def tag(self, event: Event) -> None:
        """Refuse a tag."""
        span = yaml_hints.tag_span(self.text, event.start_mark.index)
        self.found(
            "Y010", "a value that begins with ! is a tag, and specs have none", span, yaml_hints.TAG_HELP
        )

    def found(
        self, code: str, text: str, span: Span, help: str, related: list[Related] | None = None
    ) -> None:
        """Note a finding."""
        self.findings.append(finding(code, text, self.file, span, help, related=related or ()))


def _span(event: Event) -> Span:
    start, end = event.start_mark, event.end_mark
    return Span(start.line + 1, start.column + 1, end.line + 1, end.column + 1)
