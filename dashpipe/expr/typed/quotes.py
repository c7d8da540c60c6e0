"""Text in double quotes, which in SQL is the name of a field."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dashpipe.expr.ast import Expr
from dashpipe.expr.errors import ExpressionError
from dashpipe.expr.hints import RESERVED
from dashpipe.expr.scope import Scope

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LITERALS = frozenset({"null", "bool", "int", "point", "float", "text", "date", "timestamp"})


def meant_as_text(expr: Expr, scope: Scope) -> Iterator[ExpressionError]:
    """Names in double quotes that nothing declares and that stand where text would: one mistake each.

    A name that needs its quotes may well be a field that is compared with a literal; one that does not need
    them, or is itself what another value is compared with, is not.
    """
    for one in expr.args:
        yield from meant_as_text(one, scope)
    if expr.kind not in ("binary", "in", "like", "between") or (
        expr.kind == "binary" and expr.value in "+-*/%"
    ):
        return
    for at, one in enumerate(expr.args):
        if (
            one.kind != "name"
            or not one.value.quoted
            or one.value.name in {**scope.fields, **scope.dimensions}
        ):
            continue
        written = one.value.name
        needed = _PLAIN.fullmatch(written) is None or written.upper() in RESERVED
        others = (*expr.args[:at], *expr.args[at + 1 :])
        if needed and all(other.kind in _LITERALS for other in others):
            continue
        text = written.replace("'", "''")
        yield ExpressionError(
            f'"{written}" is the name of a field, and none of that name is declared',
            one.start,
            one.end,
            f"text stands in single quotes: '{text}'; a field of that name is declared under `fields:`",
        )
