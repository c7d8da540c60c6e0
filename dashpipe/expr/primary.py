"""What stands between operators: literals, names, parentheses, calls, CASE and CAST."""

from __future__ import annotations

from abc import ABC, abstractmethod
from decimal import Decimal
from typing import Any

from dashpipe.expr.ast import Expr, Name
from dashpipe.expr.errors import ExpressionError
from dashpipe.expr.hints import FOREIGN, RESERVED, SPELLED
from dashpipe.expr.tokens import Token

#: How deep the tree may be, in levels of the document that it becomes: servers refuse one of more than about
#: 180.
DEEPEST = 120
#: How many parentheses, calls and operands may be open at once.
OPEN = 60

#: Levels that a node adds: an operator is ``{$op: [ … ]}``; a guarded or branching one has more.
_LEVELS = {"case": 6, "call": 6, "cast": 8, "not": 2, "neg": 4, "binary": 4}


class Primary(ABC):
    """The tokens of one text, the place reached, and the mistakes that reading went on after."""

    def __init__(self, text: str, tokens: list[Token], errors: list[ExpressionError]) -> None:
        self.text = text
        self.tokens = tokens
        self.errors = errors
        self.at = 0
        self.open = 0
        self.depths: dict[int, tuple[Expr, int]] = {}

    @abstractmethod
    def expression(self, floor: int) -> Expr:
        """An expression of operators that bind tighter than ``floor``."""

    @property
    def token(self) -> Token:
        """The next token."""
        return self.tokens[self.at]

    @property
    def last(self) -> Token:
        """The token taken last."""
        return self.tokens[self.at - 1]

    def ahead(self) -> Token:
        """The token after the next."""
        return self.tokens[min(self.at + 1, len(self.tokens) - 1)]

    def take(self) -> Token:
        """Take the next token; the end stays."""
        token = self.tokens[self.at]
        if token.kind != "end":
            self.at += 1
        return token

    def too_deep(self) -> ExpressionError:
        """The mistake of an expression that no server would take."""
        return ExpressionError(
            "the expression is nested too deep", 0, len(self.text), "move parts of it into dimensions"
        )

    def node(self, kind: str, start: int, end: int, args: tuple[Expr, ...] = (), value: Any = None) -> Expr:
        """A node of the tree."""
        made = Expr(kind, start, end, args, value)
        depth = _LEVELS.get(kind, 2) + max((self.depths[id(one)][1] for one in args), default=0)
        if depth > DEEPEST:
            raise self.too_deep()
        self.depths[id(made)] = (made, depth)
        return made

    def is_op(self, text: str) -> bool:
        """Whether the next token is this sign."""
        return self.token.kind == "op" and self.token.text == text

    def primary(self) -> Expr:
        """A value that is no operation."""
        token = self.take()
        if token.kind == "num":
            return self.number(token)
        if token.kind == "text":
            return self.node("text", token.start, token.end, value=token.text[1:-1].replace("''", "'"))
        if token.kind == "quoted" or (token.kind == "word" and token.word not in RESERVED):
            return self.word(token)
        if token.kind == "word":
            return self.keyword(token)
        if token.text == "(" and token.kind == "op":
            inner = self.expression(0)
            if not self.is_op(")"):
                raise self.unclosed(token)
            self.take()
            return inner
        raise self.no_value(token)

    def no_value(self, token: Token) -> ExpressionError:
        """The mistake of a token where a value should begin."""
        if token.kind == "end":
            before = self.last if self.at else token
            message = f"the expression ends after {before.text}"
            return ExpressionError(message, before.start, before.end, "write the value that belongs after it")
        if token.text == "*":
            help = "all documents are counted by `type: count` without `expr`"
            return ExpressionError("* is no value", token.start, token.end, help)
        help = "write a name, a number or text in single quotes before it"
        return ExpressionError(f"a value is missing before {token.text}", token.start, token.end, help)

    def unclosed(self, token: Token) -> ExpressionError:
        """The mistake of an open parenthesis, or of what stands where it should be closed."""
        if self.token.kind == "end":
            return ExpressionError(
                "a parenthesis is opened and not closed", token.start, token.end, "close it with )"
            )
        if self.is_op(","):
            help = "a list stands after IN or in a function's parentheses; a decimal point is a point: 0.5"
            return ExpressionError("a comma outside of a list", self.token.start, self.token.end, help)
        return self.stray(self.token)

    @abstractmethod
    def stray(self, token: Token) -> ExpressionError:
        """The mistake of a token that continues nothing."""

    def number(self, token: Token) -> Expr:
        """A number: whole, with a point, or with an exponent."""
        text = token.text
        if "e" in text or "E" in text:
            return self.node("float", token.start, token.end, value=float(text))
        if "." in text:
            return self.node("point", token.start, token.end, value=Decimal(text))
        return self.node("int", token.start, token.end, value=int(text) if len(text) < 40 else 10**39)

    def keyword(self, token: Token) -> Expr:
        """A value that a reserved word begins."""
        word = token.word
        if word == "NULL":
            return self.node("null", token.start, token.end)
        if word in ("TRUE", "FALSE"):
            return self.node("bool", token.start, token.end, value=word == "TRUE")
        if word == "CASE":
            return self.case(token)
        if word in ("CAST", "TRY_CAST"):
            return self.cast(token)
        if word in FOREIGN:
            raise ExpressionError(
                f"{word} is not part of the expression language", token.start, token.end, FOREIGN[word]
            )
        help = f'write the value that belongs there; a field so named stands in double quotes: "{token.text}"'
        raise ExpressionError(f"{token.text} stands where a value should", token.start, token.end, help)

    def word(self, token: Token) -> Expr:
        """What a plain or quoted word begins: a dated literal, a call, or a name."""
        if token.word in ("DATE", "TIMESTAMP", "TIMESTAMPTZ") and self.token.kind == "text":
            text = self.take()
            kind = "date" if token.word == "DATE" else "timestamp"
            return self.node(kind, token.start, text.end, value=text.text[1:-1].replace("''", "'"))
        if self.is_op("(") and token.kind == "word":
            return self.call(token)
        return self.name(token)

    def name(self, token: Token) -> Expr:
        """A path: parts joined by dots, each plain or in double quotes."""
        first = self.part(token)
        forced = token.kind == "word" and token.text == "doc" and self.is_op(".")
        parts = [] if forced else [first]
        while self.is_op("."):
            dot = self.take()
            part = self.take()
            if part.kind not in ("word", "quoted"):
                help = "write a path with dots: teacher.id"
                raise ExpressionError("a dot is followed by no name", dot.start, dot.end, help)
            parts.append(self.part(part))
        end = self.last.end
        quoted = token.kind == "quoted" and len(parts) == 1
        path = ".".join(parts)
        return self.node("name", token.start, end, value=Name(path, token.start, end, forced, quoted))

    def part(self, token: Token) -> str:
        """One part of a path."""
        if token.kind == "word":
            return token.text
        part = token.text[1:-1].replace('""', '"')
        if not part or part.startswith("$") or "." in part or "\0" in part:
            help = 'quotes stand around one part of a path: not empty, no dot, no $ in front: "a"."b-c"'
            raise ExpressionError(f"{token.text} is no field's name", token.start, token.end, help)
        return part

    def call(self, token: Token) -> Expr:
        """A function and its arguments."""
        name = token.text.lower()
        if name in SPELLED:
            raise ExpressionError(f"{name} has a syntax of its own", token.start, token.end, SPELLED[name])
        opened = self.take()
        if self.is_op("*") and self.ahead().text == ")":
            self.take()  # count(*): the check says what to write for it
        if self.is_op(")"):
            self.take()
            return self.node("call", token.start, self.last.end, (), (name, token.start, token.end))
        parts = self.arguments(opened)
        return self.node("call", token.start, self.last.end, parts, (name, token.start, token.end))

    def arguments(self, opened: Token) -> tuple[Expr, ...]:
        """Values up to the closing parenthesis, which is taken."""
        parts = [self.expression(0)]
        while self.is_op(","):
            self.take()
            parts.append(self.expression(0))
        if not self.is_op(")"):
            raise self.unclosed(opened)
        self.take()
        return tuple(parts)

    def case(self, token: Token) -> Expr:
        """CASE in either form."""
        parts: list[Expr] = []
        operand = self.token.word != "WHEN"
        if operand:
            parts.append(self.expression(0))
        if self.token.word != "WHEN":
            raise ExpressionError(
                "CASE lacks a WHEN", token.start, token.end, "write CASE WHEN a THEN b ELSE c END"
            )
        while self.token.word == "WHEN":
            when = self.take()
            parts.append(self.expression(0))
            if self.token.word != "THEN":
                raise ExpressionError("WHEN lacks its THEN", when.start, when.end, "write WHEN a THEN b")
            self.take()
            parts.append(self.expression(0))
        otherwise = self.token.word == "ELSE"
        if otherwise:
            self.take()
            parts.append(self.expression(0))
        if self.token.word != "END":
            raise ExpressionError(
                "CASE lacks its END", token.start, token.end, "write CASE WHEN a THEN b ELSE c END"
            )
        self.take()
        return self.node("case", token.start, self.last.end, tuple(parts), (operand, otherwise))

    def cast(self, token: Token) -> Expr:
        """CAST or TRY_CAST."""
        help = f"write {token.word}(x AS INTEGER)"
        opened = self.token
        if not self.is_op("("):
            raise ExpressionError(f"{token.word} needs parentheses", token.start, token.end, help)
        self.take()
        inner = self.expression(0)
        if self.token.word != "AS":
            raise ExpressionError(f"{token.word} lacks its AS", token.start, token.end, help)
        self.take()
        first = self.take()
        if first.kind != "word":
            raise ExpressionError("AS is followed by no type", first.start, first.end, help)
        if self.is_op("("):
            while not self.is_op(")") and self.token.kind != "end":
                self.take()
            self.take()
        end = self.last.end
        if not self.is_op(")"):
            raise self.unclosed(opened)
        self.take()
        value = (self.text[first.start : end], token.word == "TRY_CAST", first.start, end)
        return self.node("cast", token.start, self.last.end, (inner,), value)
