"""Whether a file has the shape of a spec: each key known, each value of its kind. One finding a mistake."""

from __future__ import annotations

import re
from functools import cache
from typing import TypeAlias

from dashpipe.spec.codes import finding
from dashpipe.spec.diagnostic import Diagnostic, Fix, Span
from dashpipe.spec.node import Entry, Map, Node, Scalar, Seq, nothing
from dashpipe.spec.shape.kinds import (
    Cases,
    Either,
    Free,
    Keys,
    Kind,
    ListOf,
    Number,
    Paths,
    Text,
    Words,
    takes,
)

Path: TypeAlias = "tuple[str | int, ...]"

pattern = cache(re.compile)
_NUMBERS = (int, float)


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
            fitting = next((one for one in kind.kinds if written in takes(one)), None)
            if fitting is None:
                self.wrong(node, kind, path)
            else:
                self.value(node, fitting, path)
        elif isinstance(kind, Words):
            self.word(node, kind, path)
        elif form(node) not in takes(kind):
            self.wrong(node, kind, path)
        elif isinstance(kind, Free):
            return  # rules look at it
        elif isinstance(node, Map):
            self.map(node, kind, path)
        elif isinstance(node, Seq):
            assert isinstance(kind, ListOf)
            self.items(node, kind, path)
        elif isinstance(kind, Text):
            self.text(node, kind, path)
        elif isinstance(kind, Number):
            self.number(node, kind, path)

    def map(self, node: Map, kind: Kind, path: Path) -> None:
        """A mapping: of known keys, or of fields' paths."""
        if isinstance(kind, Paths):
            for entry in node.entries:
                self.text(entry.key, kind.key, (*path, entry.name))
                self.value(entry.value, kind.value, (*path, entry.name))
        elif isinstance(kind, Cases):
            then = node.get(kind.has) is not None and node.get(kind.lacks) is None
            self.keys(node, kind.then if then else kind.other, path)
        else:
            assert isinstance(kind, Keys)
            self.keys(node, kind, path)

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
            from dashpipe.spec.shape.wording import bad_text

            message, help = bad_text(text, kind, path)
            self.found(kind.code, message, node.span, help, path)

    def number(self, node: Scalar, kind: Number, path: Path) -> None:
        """A number."""
        value = node.value
        assert isinstance(value, _NUMBERS)
        if kind.whole and not isinstance(value, int):
            self.wrong(node, kind, path)
        elif (kind.least is not None and value < kind.least) or (kind.most is not None and value > kind.most):
            from dashpipe.spec.shape.wording import beyond

            self.found("S106", beyond(value, kind, path), node.span, kind.help, path)

    def word(self, node: Node, kind: Words, path: Path) -> None:
        """A value of an enumeration."""
        if isinstance(node, Scalar):
            value = node.value
            for one in kind.words:
                if one == value and type(one) is type(value):
                    return
            if form(node) in takes(kind):
                from dashpipe.spec.shape.wording import unknown_word

                code, message, help, fix = unknown_word(node, kind, path)
                self.found(code, message, node.span, help, path, fix)
                return
        self.wrong(node, kind, path)

    def wrong(self, node: Node, kind: Kind, path: Path) -> None:
        """A value of another kind."""
        from dashpipe.spec.shape.wrong_kind import wrong_kind

        message, help, fix = wrong_kind(node, kind, path)
        self.found("S103", message, node.span, help, path, fix)

    def keys(self, node: Map, kind: Keys, path: Path) -> None:
        """A mapping with known keys."""
        variant = _variant(node, kind)
        known = variant is not None or not kind.by
        table = kind.of(variant)
        meant: set[str] = set()
        self.outer.append((str(path[-1]) if path else "", kind))
        for entry in node.entries:
            key = table.get(entry.name)
            if key is not None and (known or entry.name in kind.table):
                self.value(entry.value, key.kind, (*path, entry.name))
            elif known or (key is None and entry.name not in kind.later):
                meant |= self.unknown(entry, kind, variant, path)
        self.outer.pop()
        given = {entry.name for entry in node.entries}
        # Under a wrong type, or beside keys of another one, it is not clear what else there should be.
        of_type = known and not any(one not in table and one in kind.of(None) for one in given)
        given |= meant
        needed = [
            one.name for one in table.values() if one.required and not given & {one.name, one.instead} and
            (of_type or one.name in kind.table)
        ]  # fmt: skip
        for one in table.values():
            if one.instead and known and {one.name, one.instead} <= given:
                entry = next(each for each in node.entries if each.name == one.instead)
                help = "take one of the two out"
                message = f"`{one.instead}` stands beside `{one.name}`, and each says the value"
                self.found("S107", message, entry.key.span, help, (*path, one.instead))
        some = kind.some if known and not given & set(kind.some) else ()
        # Where no key is known, it is the whole mapping that is misread, and each key has its finding.
        if (needed or some) and (not given or any(one in table for one in given)):
            from dashpipe.spec.shape.wording import missing, place

            message, help = missing(needed, some, kind, variant)
            self.found("S102", message, place(node), help, path)

    def unknown(self, entry: Entry, kind: Keys, variant: str | None, path: Path) -> set[str]:
        """A key that does not belong here.

        Returns:
            The keys that it was probably meant for: they are not missing as well.
        """
        from dashpipe.spec.shape.suggest import unknown_key

        code, message, help, meant, fix = unknown_key(entry, kind, variant, self.outer)
        self.found(code, message, entry.key.span, help, (*path, entry.name), fix)
        return meant


def _variant(node: Map, kind: Keys) -> str | None:
    """The type that decides a mapping's further keys, or ``None`` where it is absent or wrong."""
    value = node.get(kind.by) if kind.by else None
    if isinstance(value, Scalar) and isinstance(value.value, str) and value.value in kind.tables:
        return value.value
    return None
