"""Builds a file's tree from the events of the C parser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from yaml import CSafeLoader, events

from dashpipe.spec import odd
from dashpipe.spec.codes import finding
from dashpipe.spec.diagnostic import Diagnostic, Related, Span
from dashpipe.spec.node import Entry, Map, Node, Scalar, Seq, nothing
from dashpipe.spec.offsets import BREAK
from dashpipe.spec.offsets import span as between
from dashpipe.spec.scalars import NumberError, value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: How deep values may lie in one another; a spec needs six levels.
DEEPEST = 32
#: How many values a file may hold.
MOST = 20_000
#: After so many findings in one file, reading ends: each costs time, and nobody reads more.
ENOUGH = 200

_Scalar: Any = events.ScalarEvent
_MapEnd: Any = events.MappingEndEvent
_SeqEnd: Any = events.SequenceEndEvent

#: An event of the parser. Its types allow an event without marks; the C parser's all have them.
Event = Any


class StopError(Exception):
    """Reading ends here: the finding is there already."""


class Tree:
    """Reads one text. ``last`` is the last scalar's event, which explains some errors of syntax."""

    __slots__ = ("anchors", "count", "file", "findings", "last", "next", "text")

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self.findings: list[Diagnostic] = []
        self.next: Callable[[], Event] = CSafeLoader(text).get_event
        self.last: Event = None
        self.anchors: set[str] = set()
        self.count = 0

    def document(self) -> Node:
        """The file's one document.

        Raises:
            YAMLError: The text is no YAML.
            StopError: It is too deep, or holds too many values.
        """
        self.next()  # the stream's start
        event = self.next()
        if type(event) is events.StreamEndEvent:
            return Scalar(None, Span(1, 1, 1, 1), "", 0, "")
        if event.version or event.tags:
            self.found(
                "Y010", "a spec has no directives", place(event), "take the line that begins with % out"
            )
        node = self.node(self.next(), 0)
        self.next()  # the document's end
        event = self.next()
        if type(event) is not events.StreamEndEvent:
            at = event.start_mark.index
            help = "keep one spec in this file, and put the other into a file of its own"
            self.found("Y013", "a second document begins here", between(self.text, at, at + 3), help)
        return node

    def node(self, event: Event, depth: int) -> Node:
        """The value that begins with an event."""
        self.count += 1
        if self.count > MOST:
            self.stop(f"this file holds more than {MOST:,} values", event, "split it into several files")
        kind = type(event)
        if kind is events.AliasEvent:
            return self.alias(event)
        if event.anchor is not None or event.tag is not None:
            self.properties(event)
        if kind is _Scalar:
            return self.scalar(event)
        if depth >= DEEPEST:
            self.stop(f"values lie more than {DEEPEST} deep here", event, "a spec needs six levels")
        if kind is events.SequenceStartEvent:
            return self.sequence(event, depth + 1)
        return self.mapping(event, depth + 1)

    def sequence(self, event: Event, depth: int) -> Seq:
        """A list."""
        start = event.start_mark
        items: list[Node] = []
        while type(one := self.next()) is not _SeqEnd:
            item = self.node(one, depth)
            items.append(item)
            if nothing(item) and type(one) is _Scalar and not one.value:
                at = len(self.text[: one.start_mark.index].rstrip(" "))
                help = "write the entry, or take its line out"
                self.found("Y015", "this entry of the list is empty", between(self.text, at, at), help)
        if items and not event.flow_style:  # a block's end mark lies beyond the blank lines that follow it
            last = items[-1].span
            return Seq(tuple(items), Span(start.line + 1, start.column + 1, last.end_line, last.end_column))
        end = one.end_mark
        return Seq(tuple(items), Span(start.line + 1, start.column + 1, end.line + 1, end.column + 1))

    def mapping(self, event: Event, depth: int) -> Node:
        """A mapping; of a key that stands twice, the first counts."""
        start = event.start_mark
        entries: dict[str, Entry] = {}
        template, bare, begun = False, 0, len(self.findings)
        last: Span | None = None
        while type(one := self.next()) is not _MapEnd:
            key = self.key(one, depth)
            following = self.next()
            before = len(self.findings)
            item = self.node(following, depth)
            last = item.span
            if key is None:
                template = template or odd.is_template(self.text, one.start_mark.index)
                del self.findings[before:]
            elif (first := entries.get(key.text)) is not None:
                del self.findings[before:]
                related = Related(self.file, first.key.span, "the first is here")
                text = f"the key `{odd.short(key.text)}` stands here a second time"
                self.found("Y009", text, key.span, "keep one of the two", (related,))
            else:
                if nothing(item) and type(following) is _Scalar and not following.value:
                    if event.flow_style and entries and self.comma(entries, key):
                        continue
                    bare += event.flow_style and odd.is_bare(self.text, key)
                    key = self.no_value(key)
                entries[key.text] = Entry(key, item)
        end = one.end_mark
        braces = event.flow_style and self.text[start.index : start.index + 1] == "{"
        if last is None or braces:
            span = Span(start.line + 1, start.column + 1, end.line + 1, end.column + 1)
        else:  # the end mark lies beyond the blank lines that follow a block, or beyond a file that ends here
            span = Span(start.line + 1, start.column + 1, last.end_line, last.end_column)
        if bare and bare == len(entries):
            del self.findings[begun:]
            self.found(*odd.list_in_braces(list(entries), span))
        if template or (bare and bare == len(entries)):
            return Scalar(None, span, "", start.index, "")
        return Map(tuple(entries.values()), span)

    def key(self, event: Event, depth: int) -> Scalar | None:
        """A mapping's key, or ``None`` where it is refused."""
        before = len(self.findings)
        key = self.node(event, depth)
        if isinstance(key, Scalar) and isinstance(key.value, str) and (key.style or key.text != "<<"):
            return key
        refused = type(event) is _Scalar and nothing(key) and event.value and len(self.findings) > before
        if type(event) is not events.AliasEvent and not refused:
            del self.findings[before:]
            self.found(*odd.bad_key(self.text, key, event.start_mark.index))
        return None

    def comma(self, entries: dict[str, Entry], key: Scalar) -> bool:
        """Say so where a comma within ``round(a, 2)`` ended a value, and the rest of it was read as a key."""
        name, before = next(reversed(entries.items()))
        last = before.value
        wrong = odd.comma(self.text, last, key)
        if wrong is None:
            return False
        start = wrong[2]
        if self.findings and self.findings[-1].code == wrong[0] and nothing(last):
            self.findings.pop()  # a further comma of the same value
        self.found(*wrong)
        span = Span(start.line, start.column, key.span.end_line, key.span.end_column)
        entries[name] = Entry(
            before.key, Scalar(None, span, "", last.start if isinstance(last, Scalar) else 0, "")
        )
        return True

    def no_value(self, key: Scalar) -> Scalar:
        """Say that a key has no value; ``name:value`` is read as the key ``name``."""
        code, text, span, help, name = odd.no_value(self.text, key)
        self.found(code, text, span, help)
        if name == key.text:
            return key
        at = key.span
        return Scalar(name, Span(at.line, at.column, at.line, at.column + len(name)), "", key.start, name)

    def scalar(self, event: Event) -> Scalar:
        """A single value."""
        self.last = event
        start, end = event.start_mark, event.end_mark
        style, text = event.style or "", event.value
        span = Span(start.line + 1, start.column + 1, end.line + 1, end.column + 1)
        if start.index >= len(self.text):  # nothing, at the end of the file: its mark may lie behind that
            span = between(self.text, start.index, start.index)
        if style in ("'", '"'):
            return Scalar(text, span, style, start.index, text)
        if style:
            return Scalar(text, self.block(span, start.index, end.index), style, start.index, text)
        try:
            meaning = value(text)
        except NumberError:
            self.found("Y019", f"`{odd.short(text)}` is no number that a spec can use", span, odd.NUMBER_HELP)
        else:
            wrong = odd.bad_text(self.text, text, span, start.index) if isinstance(meaning, str) else None
            if wrong is None:
                return Scalar(meaning, span, "", start.index, text)
            self.found(*wrong)
        return Scalar(None, span, "", start.index, "")

    def block(self, span: Span, start: int, end: int) -> Span:
        """The place of a block scalar: its end mark lies beyond the blank lines that follow it."""
        written = self.text[start:end]
        kept = written.rstrip()
        line = span.end_line - len(BREAK.findall(written, len(kept)))
        first = max(kept.rfind("\n"), kept.rfind("\r"))
        column = span.column + len(kept) if first < 0 else len(kept) - first
        return Span(span.line, span.column, line, column)

    def alias(self, event: Event) -> Scalar:
        """Refuse an alias; with its anchor it is one mistake."""
        span = place(event)
        if event.anchor not in self.anchors:
            self.found("Y011", f"`*{event.anchor}` is an alias, and specs have none", span, odd.ALIAS_HELP)
        return Scalar(None, span, "", event.start_mark.index, "")

    def properties(self, event: Event) -> None:
        """Refuse an anchor or a tag before a value."""
        at = event.start_mark.index
        if event.anchor is not None:
            self.anchors.add(event.anchor)
            at = self.text.find("&", at)
            span = between(self.text, at, at + len(event.anchor) + 1)
            self.found("Y011", f"`&{event.anchor}` is an anchor, and specs have none", span, odd.ANCHOR_HELP)
        else:
            self.found("Y010", "text that begins with ! is a tag", odd.tag(self.text, at), odd.TAG_HELP)

    def stop(self, text: str, event: Event, help: str) -> NoReturn:
        """Refuse the file as too big."""
        self.found("Y018", text, place(event), help)
        raise StopError

    def found(self, code: str, text: str, span: Span, help: str, related: Sequence[Related] = ()) -> None:
        """Note a finding."""
        self.findings.append(finding(code, text, self.file, span, help, related=related))
        if len(self.findings) >= ENOUGH:
            raise StopError


def place(event: Event) -> Span:
    """The place of an event."""
    start, end = event.start_mark, event.end_mark
    return Span(start.line + 1, start.column + 1, end.line + 1, end.column + 1)
