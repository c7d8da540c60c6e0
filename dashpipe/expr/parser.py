"""Text to a tree, by operator precedence (Pratt)."""

from __future__ import annotations

from dashpipe.expr.ast import Expr
from dashpipe.expr.errors import ExpressionError, ExpressionErrors
from dashpipe.expr.hints import FOREIGN
from dashpipe.expr.primary import OPEN, Primary
from dashpipe.expr.tokens import Token, tokenize

#: How tightly infix operators bind, as in DuckDB.
_OR, _AND, _NOT, _IS, _COMPARE, _RANGE, _ADD, _MULTIPLY, _SIGN = range(1, 10)

_COMPARISONS = frozenset({"=", "<>", "!=", "<", "<=", ">", ">=", "=="})


def parse(text: str) -> Expr:
    """Read an expression.

    Raises:
        ExpressionErrors: It is none; every mistake that can be told apart from those before it.
    """
    errors: list[ExpressionError] = []
    try:
        parser = _Parser(text, tokenize(text, errors), errors)
        tree = parser.whole()
    except ExpressionError as error:
        errors.append(error)
    if errors:
        raise ExpressionErrors(errors)
    return tree


class _Parser(Primary):
    """Reads the operators; what stands between them is `Primary`'s."""

    def whole(self) -> Expr:
        """The one expression that the text is."""
        if self.token.kind == "end":
            help = "write a field's name, or what is computed from fields: total * 2"
            raise ExpressionError("there is no expression", 0, len(self.text), help)
        tree = self.expression(0)
        if self.token.kind != "end":
            raise self.stray(self.token)
        return tree

    def stray(self, token: Token) -> ExpressionError:
        """The mistake of a token that continues nothing."""
        if token.word in FOREIGN:
            help = FOREIGN[token.word]
            return ExpressionError(
                f"{token.word} is not part of the expression language", token.start, token.end, help
            )
        if token.text == ")":
            return ExpressionError(
                "a parenthesis is closed and not opened", token.start, token.end, "leave it out"
            )
        if token.text == ",":
            help = "arguments stand in the parentheses of a function; a decimal point is a point: 0.5"
            return ExpressionError("a comma outside of a list", token.start, token.end, help)
        if token.text == "(":
            help = (
                "a function's name stands right before its parenthesis; a product needs its sign: a * (b + c)"
            )
            return ExpressionError("a parenthesis after a value", token.start, token.end, help)
        if token.word == "NOT":
            help = "write IS NOT NULL, NOT IN, NOT LIKE or NOT BETWEEN"
            return ExpressionError("NOT follows a value", token.start, token.end, help)
        help = "write the operator between the two values: + - * / = < > AND OR …"
        return ExpressionError(
            f"{token.text} follows a value without an operator", token.start, token.end, help
        )

    def expression(self, floor: int) -> Expr:
        """An expression of operators that bind tighter than ``floor``."""
        self.open += 1
        if self.open > OPEN:
            raise self.too_deep()
        left = self.prefix()
        made = self.infix(left, floor)
        while made is not None:
            left = made
            made = self.infix(left, floor)
        self.open -= 1
        return left

    def prefix(self) -> Expr:
        token = self.token
        if token.word == "NOT":
            self.take()
            inner = self.expression(_NOT - 1)
            return self.node("not", token.start, inner.end, (inner,))
        if token.text in ("-", "+") and token.kind == "op":
            self.take()
            inner = self.expression(_SIGN - 1)
            return inner if token.text == "+" else self.node("neg", token.start, inner.end, (inner,))
        return self.primary()

    def infix(self, left: Expr, floor: int) -> Expr | None:
        token = self.token
        if token.kind == "op":
            if token.text in ("+", "-") and floor < _ADD:
                return self.binary(left, _ADD)
            if token.text in ("*", "/", "%") and floor < _MULTIPLY:
                return self.binary(left, _MULTIPLY)
            if token.text in _COMPARISONS and floor < _COMPARE:
                return self.comparison(left)
            return None
        if token.word in ("AND", "OR"):
            power = _AND if token.word == "AND" else _OR
            return self.several(left, token.word, power) if floor < power else None
        if token.word == "IS" and floor < _IS:
            return self.is_(left)
        negated = token.word == "NOT" and self.ahead().word in ("IN", "LIKE", "BETWEEN", "ILIKE")
        word = self.ahead().word if negated else token.word
        if floor >= _RANGE or word not in ("IN", "LIKE", "BETWEEN", "ILIKE"):
            return None
        if negated:
            self.take()
        keyword = self.take()
        if keyword.word == "IN":
            return self.in_(left, keyword, negated)
        if keyword.word == "BETWEEN":
            return self.between(left, negated)
        if keyword.word == "ILIKE":
            raise self.stray(keyword)
        return self.like(left, negated)

    def binary(self, left: Expr, power: int) -> Expr:
        operator = self.take()
        right = self.expression(power)
        return self.node("binary", left.start, right.end, (left, right), operator.text)

    def comparison(self, left: Expr) -> Expr:
        operator = self.take()
        if operator.text == "==":
            self.errors.append(
                ExpressionError("== is not part of SQL", operator.start, operator.end, "write =")
            )
        right = self.expression(_COMPARE)
        if self.token.kind == "op" and self.token.text in _COMPARISONS:
            middle = self.text[right.start : right.end]
            help = f"write two comparisons: … {operator.text} {middle} AND {middle} {self.token.text} …"
            raise ExpressionError("comparisons do not chain", self.token.start, self.token.end, help)
        value = {"!=": "<>", "==": "="}.get(operator.text, operator.text)
        return self.node("binary", left.start, right.end, (left, right), value)

    def several(self, left: Expr, word: str, power: int) -> Expr:
        parts = [left]
        while self.token.word == word:
            self.take()
            parts.append(self.expression(power))
        return self.node(word.lower(), left.start, parts[-1].end, tuple(parts))

    def is_(self, left: Expr) -> Expr:
        self.take()
        negated = self.token.word == "NOT"
        if negated:
            self.take()
        token = self.take()
        if token.word == "NULL":
            return self.node("isnull", left.start, token.end, (left,), negated)
        if token.word in ("TRUE", "FALSE"):
            truth = self.node("bool", token.start, token.end, value=token.word == "TRUE")
            return self.node("distinct", left.start, token.end, (left, truth), not negated)
        if token.word == "DISTINCT" and self.token.word == "FROM":
            self.take()
            right = self.expression(_COMPARE)
            return self.node("distinct", left.start, right.end, (left, right), negated)
        help = "write IS NULL, IS NOT NULL, or IS DISTINCT FROM a value; equal is ="
        raise ExpressionError(
            "IS is followed by something else", token.start, max(token.end, token.start), help
        )

    def in_(self, left: Expr, keyword: Token, negated: bool) -> Expr:
        opened = self.token
        if opened.text != "(" or opened.kind != "op":
            span = (keyword.start, keyword.end) if opened.kind == "end" else (opened.start, opened.end)
            given = "'a', 'b'" if opened.kind in ("end", "op") else opened.text
            raise ExpressionError("IN is not followed by a list", *span, f"write IN ({given})")
        self.take()
        if self.token.text == ")" and self.token.kind == "op":
            help = "name at least one value: IN ('a', 'b')"
            raise ExpressionError("the list of IN is empty", self.token.start, self.token.end, help)
        parts = self.arguments(opened)
        return self.node("in", left.start, self.last.end, (left, *parts), negated)

    def between(self, left: Expr, negated: bool) -> Expr:
        low = self.expression(_RANGE)
        if self.token.word != "AND":
            help = "write BETWEEN 1 AND 5; both ends count"
            raise ExpressionError("BETWEEN lacks its AND", self.token.start, self.token.end, help)
        self.take()
        high = self.expression(_RANGE)
        return self.node("between", left.start, high.end, (left, low, high), negated)

    def like(self, left: Expr, negated: bool) -> Expr:
        pattern = self.expression(_RANGE)
        escape = None
        end = pattern.end
        if self.token.word == "ESCAPE":
            self.take()
            token = self.take()
            escape = token.text[1:-1].replace("''", "'")
            if token.kind != "text" or len(escape) != 1:
                raise ExpressionError(
                    "ESCAPE needs one character", token.start, token.end, "write ESCAPE '!'"
                )
            end = token.end
        return self.node("like", left.start, end, (left, pattern), (negated, escape))
