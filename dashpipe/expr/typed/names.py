"""Names: dimensions, fields, metrics."""

from __future__ import annotations

from dashpipe.expr.ast import Expr, Name
from dashpipe.expr.errors import nearest
from dashpipe.expr.scope import Typed
from dashpipe.expr.typed.context import Context
from dashpipe.expr.types import FieldType


def name(context: Context, expr: Expr, want: FieldType | None) -> Typed:
    """A reference."""
    ref: Name = expr.value
    scope = context.scope
    if scope.metrics is not None:
        return _metric(context, expr, ref)
    if not ref.forced and ref.name in scope.dimensions and not _itself(scope.dimensions[ref.name], ref.name):
        return _dimension(context, expr, ref.name, want)
    context.paths.add(ref.name)
    return Typed("field", scope.fields.get(ref.name), (), ref.name)


def _itself(expr: Expr, name_: str) -> bool:
    return expr.kind == "name" and expr.value.name == name_


def _metric(context: Context, expr: Expr, ref: Name) -> Typed:
    metrics = context.scope.metrics or {}
    if ref.name in metrics and not ref.forced:
        return Typed("metric", metrics[ref.name], (), ref.name)
    close = nearest(ref.name, metrics)
    help = f"did you mean {close}?" if close else "a derived metric reads metrics of its subject, no fields"
    return context.error(expr, f"there is no metric {ref.name}", help)


def _dimension(context: Context, expr: Expr, name_: str, want: FieldType | None) -> Typed:
    if name_ in context.trail:
        loop = " -> ".join((*context.trail[context.trail.index(name_) :], name_))
        return context.error(
            expr, f"dimensions refer to each other: {loop}", f"for the field, write doc.{name_}"
        )
    known = context.dimensions.get(name_)
    if known is None:
        trail, at = context.trail, context.at
        context.trail, context.at = (*trail, name_), at or (expr.start, expr.end)
        try:
            known = context.visit(context, context.scope.dimensions[name_], want)
        finally:
            context.trail, context.at = trail, at
        if context.learn is None:
            context.dimensions[name_] = known
    return known
