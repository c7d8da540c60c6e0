"""Measures against bounds: one result a check and partition. Pure."""

from __future__ import annotations

from typing import Any

from dashpipe.run.checks.measure import Measures
from dashpipe.run.checks.result import (
    FAIL,
    PASS,
    SKIPPED,
    WARN,
    Result,
    is_outside,
    level,
    limits,
    number,
    percent,
)
from dashpipe.spec.model import Bounds, Check, Grain

Document = dict[str, Any]


def row_count(check: Check, grain: Grain, label: str, rows: int) -> Result:
    """Judge how many rows a partition has."""
    status, bounds = level(check, lambda one: is_outside(rows, one))
    expected = limits(bounds, number)
    return Result(check, grain, label, status, rows, f"{label} has {_rows(rows)}; expected: {expected}")


def missing(check: Check, grain: Grain, label: str, rows: int, nulls: int) -> Result:
    """Judge the share of rows in which a metric is null."""
    if not rows:
        return _empty(check, grain, label)
    share = nulls / rows
    status, bounds = level(check, lambda one: is_outside(share, one))
    text = f"{check.metric} is null in {nulls} of {_rows(rows)} of {label} ({percent(share)})"
    return Result(check, grain, label, status, share, f"{text}; expected: {limits(bounds, percent)}")


def range_(check: Check, grain: Grain, label: str, rows: int, found: Document, at: int) -> Result:
    """Judge the values of a metric."""
    if not rows:
        return _empty(check, grain, label)
    low, high = found.get(f"lo{at}"), found.get(f"hi{at}")
    if low is None:
        return Result(check, grain, label, PASS, None, f"{check.metric} has no value in {label}")
    failed, warned = found.get(f"f{at}", 0), found.get(f"w{at}", 0)
    status, bounds, out = PASS, check.warn or check.fail, 0
    if failed:
        status, bounds, out = FAIL, check.fail, failed
    elif warned:
        status, bounds, out = WARN, check.warn, warned
    text = f"{check.metric} of {label} goes from {number(low)} to {number(high)}"
    if out:
        text += f", and is out of bounds in {out} of {_rows(rows)}"
    value = {"min": low, "max": high, "out": out}
    return Result(check, grain, label, status, value, f"{text}; expected: {limits(bounds, number)}")


def unique(check: Check, grain: Grain, label: str, rows: int, found: Document) -> Result:
    """Judge the share of rows that share a key with another row."""
    if not rows:
        return _empty(check, grain, label)
    doubled = found.get("rows", 0)
    share = doubled / rows
    status, bounds = level(check, lambda one: is_outside(share, one))
    names = ", ".join(check.keys)
    text = f"{doubled} of {_rows(rows)} of {label} share {names} with another row ({percent(share)})"
    if "first" in found:
        first = ", ".join(f"{name} {_said(found['first'][f'k{at}'])}" for at, name in enumerate(check.keys))
        text += f", such as {first}"
    return Result(check, grain, label, status, share, f"{text}; expected: {limits(bounds, percent)}")


def values(check: Check, grain: Grain, label: str, found: Document | None) -> Result:
    """Judge what was counted of a field's values in a partition."""
    counted = next((one for one in (found or {}).get("fields", ()) if one["field"] == check.field), None)
    if counted is None or not counted["of"]:
        said = "were not counted" if counted is None else "are none"
        text = f"values of `{check.field}` of {check.source} {said} in {label}"
        return Result(check, grain, label, SKIPPED, None, text)
    # What is NaN is mistyped too: it counts once.
    kinds = [one for one in check.counts if one != "nan" or "mistyped" not in check.counts]
    n, of = sum(counted[one] for one in kinds), counted["of"]
    share = n / of

    def is_out(one: Bounds) -> bool:
        return (one.above is not None and share > one.above) or (one.values is not None and n > one.values)

    status, bounds = level(check, is_out)
    text = f"{n} of {of} values of `{check.field}` of {check.source} are {' or '.join(kinds)} in {label}"
    value = {"n": n, "of": of, "share": share}
    return Result(
        check, grain, label, status, value, f"{text} ({percent(share)}); expected: {_at_most(bounds)}"
    )


def _at_most(bounds: Bounds | None) -> str:
    """The limits of values in words."""
    if bounds is None:
        return "anything"
    above = [] if bounds.above is None else [percent(bounds.above)]
    most = [] if bounds.values is None else [number(bounds.values)]
    return f"at most {' and '.join([*above, *most])}"


def judge(
    check: Check, at: int, grain: Grain, labels: tuple[str, ...], measured: Measures, repeated: Measures
) -> list[Result]:
    """The results of a check, one a partition."""
    results = []
    for label in labels:
        found = measured.get(label, {})
        rows = found.get("rows", 0)
        if check.type == "row_count":
            results.append(row_count(check, grain, label, rows))
        elif check.type == "missing":
            results.append(missing(check, grain, label, rows, found.get(f"m{at}", 0)))
        elif check.type == "range":
            results.append(range_(check, grain, label, rows, found, at))
        else:
            results.append(unique(check, grain, label, rows, repeated.get(label, {})))
    return results


def described(bounds: Bounds | None) -> Document | None:
    """Bounds as they are stored: only what the spec says."""
    if bounds is None:
        return None
    given = {"below": bounds.below, "above": bounds.above, "hours": bounds.hours, "values": bounds.values}
    return {name: value for name, value in given.items() if value is not None}


def _empty(check: Check, grain: Grain, label: str) -> Result:
    return Result(check, grain, label, SKIPPED, None, f"{label} has no rows")


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


def _said(value: Any) -> str:
    return "null" if value is None else str(value)
