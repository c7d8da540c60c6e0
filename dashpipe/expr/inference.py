"""The types of a source's fields, from declarations and from use."""

from __future__ import annotations

from collections.abc import Sequence

from dashpipe.expr.ast import Expr, names
from dashpipe.expr.errors import ExpressionError, ExpressionErrors
from dashpipe.expr.scope import Scope
from dashpipe.expr.typed import read, visit
from dashpipe.expr.typed.context import Context
from dashpipe.expr.typed.quotes import meant_as_text
from dashpipe.expr.types import FieldType


def infer(uses: Sequence[tuple[Expr, FieldType | None]], scope: Scope) -> dict[str, FieldType | None]:
    """The type of every document field that these expressions read, beside the declared ones.

    What is declared stays. Other fields get the type that their use asks for, the first use first, until
    nothing more follows; one whose type nothing fixes is ``None``.

    Args:
        uses: The expressions, each with the type that is expected of it.
        scope: The source's scope; its ``fields`` are the declared ones.

    Raises:
        ExpressionErrors: Uses of a field contradict each other; ``use`` says which expression is the later
            one.
    """
    types: dict[str, FieldType | None] = dict(scope.fields)
    known = Scope(types, scope.dimensions, scope.metrics, scope.timezone)
    weak: dict[str, int] = {}
    learnt: set[str] = set()
    current = 0

    def learn(path: str, type_: FieldType, unsure: bool) -> None:
        if types.get(path) is not None:
            return
        if unsure:
            weak.setdefault(path, current)
            return
        types[path] = type_
        learnt.add(path)

    before = -1
    while before != len(learnt):
        before = len(learnt)
        for at, (expr, expected) in enumerate(uses):
            current = at
            context = Context(known, visit, learn)
            read(context, expr, expected)
            for path in sorted(context.paths):
                types.setdefault(path, None)
    errors: list[ExpressionError] = []
    for at, (expr, expected) in enumerate(uses):
        context = Context(known, visit, learnt=frozenset(learnt))
        read(context, expr, expected)
        for error in (*meant_as_text(expr, scope), *context.conflicts):
            error.use = at
            errors.append(error)
    errors += [_unsure(path, at, uses[at][0]) for path, at in weak.items() if types.get(path) is None]
    if errors:
        raise ExpressionErrors(errors)
    return types


def _unsure(path: str, use: int, expr: Expr) -> ExpressionError:
    place = next((one for one in names(expr) if one.name == path), expr)
    return ExpressionError(
        f"nothing says whether {path} holds dates or text that looks like dates",
        place.start,
        place.end,
        f"declare it under `fields:` as `{path}: date` or `{path}: string`",
        use=use,
    )
