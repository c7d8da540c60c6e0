"""Family E of what is made of metrics: ratios and derived metrics are numbers, `empty` is of their type."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dashpipe import expr
from dashpipe.expr import FieldType, Scope
from dashpipe.expr.types import NUMERIC, word
from dashpipe.lint.known import Found, Known
from dashpipe.lint.rule import Problem
from dashpipe.spec.model import OF_DAYS, Metric, Subject
from dashpipe.spec.typing.parsed import parse
from dashpipe.spec.typing.parts import refs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.rule import At
    from dashpipe.lint.view import View


def check(subject: Subject, view: View, types: dict[str, FieldType | None], known: Known) -> Iterator[Found]:
    """Ratios, shares and derived metrics are made of numbers; fills in the types of all composites."""
    metrics = {one.name: one for one in subject.metrics}
    for metric in _in_order(subject, view):
        if metric.type == "ratio":
            sides = []
            for key, name in (("numerator", metric.numerator), ("denominator", metric.denominator)):
                type_ = types.get(name or "")
                sides.append(type_)
                at = metric.origin.at(key)
                if type_ is not None and type_ not in NUMERIC and at not in known.wrong:
                    known.wrong.add(at)
                    text = f"`{name}` is {_kind(type_)}, and a ratio is of two numbers"
                    related: tuple[tuple[At, str], ...] = (
                        (metrics[name or ""].origin, f"the metric `{name}`"),
                    )
                    yield "E007", Problem(at, text, "name a metric that is a number", related)
            exact = all(one is FieldType.DECIMAL for one in sides)
            types[metric.name] = FieldType.DECIMAL if exact else FieldType.NUMBER
        elif metric.type == "cumulative":
            yield from _cumulative(metric, metrics, types, known)
        elif metric.type == "share":
            yield from _share(metric, metrics, types, known)
        elif metric.type == "derived" and metric.expr is not None:
            yield from _derived(subject, view, metric, types, known)
    for metric in subject.metrics:
        if metric.having is not None:
            yield from _having(subject, view, metric, types, known)


def _share(
    metric: Metric, metrics: dict[str, Metric], types: dict[str, FieldType | None], known: Known
) -> Iterator[Found]:
    type_, at = types.get(metric.metric or ""), metric.origin.at("metric")
    types[metric.name] = FieldType.DECIMAL if type_ is FieldType.DECIMAL else FieldType.NUMBER
    if type_ is not None and type_ not in NUMERIC and at not in known.wrong:
        known.wrong.add(at)
        text = f"`{metric.metric}` is {_kind(type_)}, and a share is of a number"
        related: tuple[tuple[At, str], ...] = ((metrics[metric.metric or ""].origin, "the metric"),)
        yield "E007", Problem(at, text, "name a metric that is a number", related)


def _cumulative(
    metric: Metric, metrics: dict[str, Metric], types: dict[str, FieldType | None], known: Known
) -> Iterator[Found]:
    type_, at = types.get(metric.metric or ""), metric.origin.at("period_agg")
    types[metric.name] = type_
    if metric.period_agg not in OF_DAYS:
        return
    if metric.period_agg == "average" and type_ is not FieldType.DECIMAL:
        types[metric.name] = FieldType.NUMBER
    if type_ is not None and type_ not in NUMERIC and at not in known.wrong:
        known.wrong.add(at)
        text = f"`{metric.metric}` is {_kind(type_)}, and `period_agg: {metric.period_agg}` is of numbers"
        related: tuple[tuple[At, str], ...] = ((metrics[metric.metric or ""].origin, "the metric"),)
        yield "E007", Problem(at, text, "take it out, for the value as of the partition's end", related)


def _derived(
    subject: Subject, view: View, metric: Metric, types: dict[str, FieldType | None], known: Known
) -> Iterator[Found]:
    at, text = metric.origin.at("expr"), metric.expr or ""
    types[metric.name] = FieldType.NUMBER
    if at in known.wrong:
        return
    inputs = {one.alias: one.metric for one in metric.inputs}
    try:
        parsed = parse(text)
    except expr.ExpressionErrors as errors:
        known.wrong.add(at)
        for one in errors.errors:
            yield "E001", Problem(view.within(at, text, one.start, one.end), one.message, one.help)
        return
    named = {name: inputs.get(name, name) for name in refs(metric)}
    if not named:
        known.wrong.add(at)
        yield "E008", Problem(at, "this is made of no metric", _name_one(text))
        return
    if any(types.get(name) is None for name in named.values()):
        return  # one of them is wrong itself, or not there: that is said there
    given = {name: each for name, other in named.items() if (each := types[other]) is not None}
    odd = [(name, each) for name, each in given.items() if each not in NUMERIC]
    if odd:
        known.wrong.add(at)
        places = refs(metric)
        for name, each in odd:
            place = view.within(at, text, places[name].start, places[name].end)
            text_ = f"`{name}` is {_kind(each)}, and a derived metric is arithmetic over numbers"
            yield "E007", Problem(place, text_, "name a metric that is a number")
        return
    scope = Scope(fields={}, dimensions={}, metrics=given, timezone=subject.timezone)
    try:
        type_ = expr.check(parsed, scope, None).type
    except expr.ExpressionErrors as errors:
        known.wrong.add(at)
        for one in errors.errors:
            yield "E002", Problem(view.within(at, text, one.start, one.end), one.message, one.help)
        return
    if type_ is not None and type_ not in NUMERIC:
        known.wrong.add(at)
        text = f"this is {word(type_)}, and a derived metric is a number"
        yield "E007", Problem(at, text, "write CASE WHEN … THEN 1 ELSE 0 END for a condition")
    if all(one is FieldType.DECIMAL for one in given.values()):
        types[metric.name] = FieldType.DECIMAL


def _name_one(text: str) -> str:
    """What to write where an expression over metrics names none, but aggregates perhaps."""
    if re.search(r"\b(count|sum|avg|min|max)\s*\(", text, re.IGNORECASE):
        return "define a metric for each aggregate, such as `{name: n, type: count}`, and write its name"
    return "name at least one metric in it"


def _kind(type_: FieldType) -> str:
    """What a metric of a type is, in words."""
    return "a list of values" if type_ is FieldType.ARRAY else word(type_)


def _having(
    subject: Subject, view: View, metric: Metric, types: dict[str, FieldType | None], known: Known
) -> Iterator[Found]:
    """The condition of a distinct count: of metrics, and true or false."""
    at, text = metric.origin.at("having"), metric.having or ""
    if at in known.wrong:
        return
    inputs = {one.alias: one.metric for one in metric.inputs}
    try:
        parsed = parse(text)
        named = {name: inputs.get(name, name) for name in refs(metric)}
        if not named:
            known.wrong.add(at)
            yield "E008", Problem(at, "this is made of no metric", _name_one(text))
            return
        given = {name: each for name, other in named.items() if (each := types.get(other)) is not None}
        if len(given) < len(named) or FieldType.ARRAY in given.values():
            return  # one of them is wrong itself, not there, or a list: that is said there
        scope = Scope(fields={}, dimensions={}, metrics=given, timezone=subject.timezone)
        expr.check(parsed, scope, FieldType.BOOLEAN)
    except expr.ExpressionErrors as errors:
        known.wrong.add(at)
        code = "E001" if not refs(metric) else "E002"
        for one in errors.errors:
            yield code, Problem(view.within(at, text, one.start, one.end), one.message, one.help)


def _in_order(subject: Subject, view: View) -> list[Metric]:
    """Composites, each after those that it is made of; those made of themselves come in any order."""
    metrics = {one.name: one for one in subject.metrics}
    done: dict[str, Metric] = {}
    for first in subject.metrics:
        stack = [(first, False)]
        open_: set[str] = set()
        while stack:
            metric, ready = stack.pop()
            if metric.name in done:
                continue
            if ready:
                done[metric.name] = metric
                continue
            if metric.name in open_:
                continue
            open_.add(metric.name)
            stack.append((metric, True))
            stack += [(metrics[one.metric], False) for one in view.uses(metric) if one.metric in metrics]
    return list(done.values())


def empties(subject: Subject, types: dict[str, FieldType | None], known: Known) -> Iterator[Found]:
    """The value for nothing, and that of a row that is added, is of the metric's type."""
    for metric in subject.metrics:
        type_ = types.get(metric.name)
        given = [("empty", metric.origin.at("empty"), metric.empty)] if metric.has_empty else []
        if metric.fill is not None:
            given.append(("fill", metric.origin.at("fill", "value"), metric.fill.value))
        for key, at, value in given:
            if value is None or type_ is None or at in known.wrong or _takes(type_, value):
                continue
            known.wrong.add(at)
            text = f"`{key}` is {_said(value)}, and `{metric.name}` is {word(type_)}"
            yield "E009", Problem(at, text, "write a value of the metric's type, or null")


def ranges(subject: Subject, types: dict[str, FieldType | None], known: Known) -> Iterator[Found]:
    """A check of a range is of a number: in BSON's order every text and list is above all numbers."""
    metrics = {one.name: one for one in subject.metrics}
    for one in subject.checks:
        type_, at = types.get(one.metric or ""), one.origin.at("metric")
        if one.type != "range" or type_ is None or type_ in NUMERIC or at in known.wrong:
            continue
        known.wrong.add(at)
        text = f"`{one.metric}` is {_kind(type_)}, and a range is of numbers"
        related: tuple[tuple[At, str], ...] = (
            (metrics[one.metric or ""].origin, f"the metric `{one.metric}`"),
        )
        yield "E012", Problem(at, text, "check a metric that is a number, or `type: missing`", related)


def _takes(type_: FieldType, value: object) -> bool:
    if isinstance(value, bool):
        return type_ is FieldType.BOOLEAN
    if isinstance(value, int):
        return type_ in NUMERIC
    if isinstance(value, float):
        return type_ in (FieldType.NUMBER, FieldType.DECIMAL)
    return type_ is FieldType.STRING


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    return (
        "text"
        if isinstance(value, str)
        else "a number with a fraction"
        if isinstance(value, float)
        else "a number"
    )
