"""Whether a file has the shape of a spec: each key known, each value of its kind. One finding a mistake."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from dashpipe.spec.codes import finding
from dashpipe.spec.diagnostic import Diagnostic, Fix, Span
from dashpipe.spec.node import Map, Node, Scalar, Seq, nothing
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
    takes,
)

if TYPE_CHECKING:
    from dashpipe.spec.node import Entry

Path = tuple["str | int", ...]

pattern = cache(re.compile)
forms = cache(takes)


def form(node: Node) -> str:
    """How a value is written: text, number, flag, null, list or map."""
    if isinstance(node, Map):
        return "map"
    if isinstance(node, Seq):
        return "list"
    value = node.value
    if isinstance(value, str):
        return "text"
    if value is None:
        return "null"
    return "flag" if isinstance(value, bool) else "number"


class Checker:
    """Walks a file's tree beside the definition of its keys, and notes what differs."""

    __slots__ = ("file", "findings", "outer")

    def __init__(self, file: str) -> None:
        self.file = file
        self.findings: list[Diagnostic] = []
        self.outer: list[tuple[str, Keys]] = []

    def found(
        self, code: str, message: str, span: Span, help: str, path: Path, fix: Fix | None = None
    ) -> None:
        """Note a finding."""
        self.findings.append(finding(code, message, self.file, span, help, path=path, fix=fix))

    def value(self, node: Node, kind: Kind, path: Path) -> None:
        """Hold a value against its kind."""
        if nothing(node):
            return
        if isinstance(kind, Either):
            written = form(node)
            for one in kind.kinds:
                if written in forms(one):
                    self.value(node, one, path)
                    return
            self.wrong(node, kind, path)
        elif isinstance(kind, Cases):
            if not isinstance(node, Map):
                self.wrong(node, kind, path)
            else:
                then = node.get(kind.has) is not None and node.get(kind.lacks) is None
                self.keys(node, kind.then if then else kind.other, path)
        elif isinstance(kind, Words):
            self.word(node, kind, path)
        elif form(node) not in forms(kind):
            self.wrong(node, kind, path)
        elif isinstance(kind, Keys):
            assert isinstance(node, Map)
            self.keys(node, kind, path)
        elif isinstance(kind, ListOf):
            assert isinstance(node, Seq)
            self.items(node, kind, path)
        elif isinstance(kind, Paths):
            assert isinstance(node, Map)
            for entry in node.entries:
                self.text(entry.key, kind.key, (*path, entry.name))
                self.value(entry.value, kind.value, (*path, entry.name))
        elif isinstance(kind, Text):
            assert isinstance(node, Scalar)
            self.text(node, kind, path)
        elif isinstance(kind, Number):
            assert isinstance(node, Scalar)
            self.number(node, kind, path)

    def items(self, node: Seq, kind: ListOf, path: Path) -> None:
        """The entries of a list."""
        if len(node.items) < kind.least:
            self.found("S110", f"`{path[-1]}` has no entry", node.span, "write at least one", path)
        for number, one in enumerate(node.items):
            self.value(one, kind.item, (*path, number))

    def text(self, node: Scalar, kind: Text, path: Path) -> None:
        """A text."""
        text = str(node.value)
        if (
            len(text) < kind.least
            or (kind.most and len(text) > kind.most)
            or (kind.pattern and pattern(kind.pattern).search(text) is None)
            or text in kind.not_in
        ):
            from dashpipe.spec.shape import wording

            message, help = wording.bad_text(text, kind)
            self.found(kind.code, message, node.span, help, path)

    def number(self, node: Scalar, kind: Number, path: Path) -> None:
        """A number."""
        value = node.value
        assert isinstance(value, (int, float))
        if kind.whole and not isinstance(value, int):
            self.wrong(node, kind, path)
        elif (kind.least is not None and value < kind.least) or (kind.most is not None and value > kind.most):
            from dashpipe.spec.shape import wording

            self.found("S106", wording.beyond(value, kind, path), node.span, kind.help, path)

    def word(self, node: Node, kind: Words, path: Path) -> None:
        """A value of an enumeration."""
        if isinstance(node, Scalar):
            value = node.value
            for one in kind.words:
                if one == value and type(one) is type(value):
                    return
        from dashpipe.spec.shape import wording

        if not isinstance(node, Scalar) or (
            form(node) not in forms(kind) and not wording.is_near(node, kind)
        ):
            self.wrong(node, kind, path)
            return
        code, message, help, fix = wording.unknown_word(node, kind, path)
        self.found(code, message, node.span, help, path, fix)

    def wrong(self, node: Node, kind: Kind, path: Path) -> None:
        """A value of another kind."""
        from dashpipe.spec.shape import wording

        code, message, help, fix = wording.wrong_kind(node, kind, path)
        self.found(code, message, node.span, help, path, fix)

    def keys(self, node: Map, kind: Keys, path: Path) -> None:
        """The keys of a mapping, with their values."""
        variant = self.variant(node, kind, path)
        known = variant is not None or not kind.by
        table = kind.of(variant)
        silenced: set[str] = set()
        foreign = False
        self.outer.append((str(path[-1]) if path else "", kind))
        for entry in node.entries:
            key = table.get(entry.name)
            if key is not None and (known or entry.name in kind.table):
                self.value(entry.value, key.kind, (*path, entry.name))
            elif known or not (key is not None or entry.name in kind.later):
                silenced |= self.unknown(entry, kind, variant, path)
                foreign = foreign or _of_other_type(entry, kind)
        self.outer.pop()
        given = {entry.name for entry in node.entries} | silenced
        needed = [one.name for one in table.values() if one.required and one.name not in given]
        if kind.by and not known:
            needed = [one for one in needed if one in kind.table]
        if foreign:
            needed = [one for one in needed if one in kind.table]
        some = [] if not kind.some or given & set(kind.some) or not known else list(kind.some)
        if needed or some:
            from dashpipe.spec.shape import wording

            message, help = wording.missing(needed, some, kind, variant)
            self.found("S102", message, wording.place(node), help, path)

    def variant(self, node: Map, kind: Keys, path: Path) -> str | None:
        """The type that decides a mapping's further keys, or ``None`` where it is absent or wrong."""
        if not kind.by:
            return None
        value = node.get(kind.by)
        if isinstance(value, Scalar) and isinstance(value.value, str) and value.value in kind.tables:
            return value.value
        return None

    def unknown(self, entry: Entry, kind: Keys, variant: str | None, path: Path) -> set[str]:
        """A key that does not belong here.

        Returns:
            The keys that it was probably meant for: they are not missing as well.
        """
        from dashpipe.spec.shape import suggest

        code, message, help, meant, fix = suggest.unknown_key(entry, kind, variant, self.outer)
        self.found(code, message, entry.key.span, help, (*path, entry.name), fix)
        return meant


def _of_other_type(entry: Entry, kind: Keys) -> bool:
    """Whether a key belongs to the mapping under another type."""
    return bool(kind.by) and any(entry.name in table for table in kind.tables.values())


__all__ = ["Checker", "Flag", "Null", "form", "forms"]
