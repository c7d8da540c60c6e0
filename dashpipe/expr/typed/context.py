"""What the reading of one expression carries along: scope, mistakes, and what is learnt of fields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from dashpipe.expr.ast import Expr, Name
from dashpipe.expr.errors import ExpressionError
from dashpipe.expr.scope import Scope, Typed
from dashpipe.expr.types import FieldType, fits, word

WRONG = Typed("wrong", None)


@dataclass(slots=True)
class Context:
    """One reading. ``learn`` is told the type that a field must have; ``trail`` are open dimensions.

    ``learnt`` are the fields whose type follows from use, with words for where; a clash with one is a
    conflict between uses, not a mistake against a declaration. ``paths`` are the fields met.
    """

    scope: Scope
    visit: Callable[[Context, Expr, FieldType | None], Typed]
    learn: Callable[[str, FieldType, bool], None] | None = None
    learnt: frozenset[str] = frozenset()
    errors: list[ExpressionError] = field(default_factory=list)
    conflicts: list[ExpressionError] = field(default_factory=list)
    trail: tuple[str, ...] = ()
    dimensions: dict[str, Typed] = field(default_factory=dict)
    at: tuple[int, int] | None = None
    paths: set[str] = field(default_factory=set)

    def error(
        self, at: Expr | Name | tuple[int, int], message: str, help: str = "", *, follows: bool = False
    ) -> Typed:
        """Note a mistake at a node or a pair of offsets; inside a dimension, at the name that leads there."""
        start, end = self.at or ((at.start, at.end) if isinstance(at, (Expr, Name)) else at)
        self.errors.append(ExpressionError(message, start, end, help, follows=follows or self.at is not None))
        return WRONG

    def want(self, expr: Expr, typed: Typed, wanted: FieldType, why: str, help: str = "") -> Typed:
        """Hold a node to a type: learn it where it is unknown, and note a mistake where it does not fit."""
        if typed.kind == "wrong":
            return typed
        if typed.type is None:
            return self.taken(typed, wanted)
        if fits(typed.type, wanted):
            return typed
        return self.mismatch(expr, typed, f"{why}, and this is {word(typed.type)}", help)

    def mismatch(self, expr: Expr, typed: Typed, message: str, help: str = "") -> Typed:
        """Note that a node has a type that cannot stand there."""
        if typed.kind == "field" and typed.value in self.learnt:
            help = f"declare the type of {typed.value} under `fields:`, and convert with CAST elsewhere"
            start, end = self.at or (expr.start, expr.end)
            message = f"{typed.value} is used as two types: elsewhere it is {word(typed.type)}"
            self.conflicts.append(ExpressionError(message, start, end, help))
        return self.error(expr, message, help)

    def taken(self, typed: Typed, type_: FieldType) -> Typed:
        """A node of unknown type as one of ``type_``, which is learnt."""
        self.told(typed, type_)
        if typed.kind in ("field", "literal"):
            return typed._replace(type=type_)
        return typed

    def told(self, typed: Typed, type_: FieldType, weak: bool = False) -> None:
        """Learn the type of the fields that a node of unknown type gets its value from."""
        if self.learn is None or typed.type is not None:
            return
        if typed.kind == "field":
            self.learn(str(typed.value), type_, weak)
        for one in sources(typed):
            self.told(one, type_, weak)


def sources(typed: Typed) -> tuple[Typed, ...]:
    """The nodes that a node takes its value from as it is."""
    if typed.kind == "case":
        return (*typed.args[1::2], *typed.args[-1:])
    if typed.kind == "call" and typed.value[0] in ("coalesce", "greatest", "least"):
        return typed.args
    if typed.kind == "call" and typed.value[0] == "nullif":
        return typed.args[:1]
    return ()


def is_null(typed: Typed) -> bool:
    """Whether a node is the literal NULL."""
    return typed.kind == "literal" and typed.value is None


def constant(typed: Typed) -> bool:
    """Whether a node reads no document."""
    return typed.kind not in ("field", "metric", "wrong") and all(constant(one) for one in typed.args)
