"""The trees of expressions: the same texts stand in many subjects."""

from __future__ import annotations

from functools import lru_cache

from dashpipe import expr


@lru_cache(maxsize=4096)
def parse(text: str) -> expr.Expr:
    """The tree of an expression; the same texts stand in many subjects.

    Raises:
        expr.ExpressionErrors: It is no expression.
    """
    return expr.parse(text)
