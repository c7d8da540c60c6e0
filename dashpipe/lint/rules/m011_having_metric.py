"""A metric that `having` cannot ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.lint.within import within
from dashpipe.spec.diagnostic import Severity
from dashpipe.spec.model import COHORTS
from dashpipe.spec.typing.types import by_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Metric, Subject


def check(subject: Subject, view: View) -> Iterator[Problem]:
    """What `having` names is of the same source, and one pass over the documents of a value gives it."""
    metrics = {one.name: one for one in subject.metrics}
    for metric in subject.metrics:
        if metric.having is None:
            continue
        for use in view.uses(metric):
            beyond = _beyond(use.metric, subject, metrics, view)
            if beyond is not None:
                where = "" if beyond.name == use.metric else f", of which `{use.metric}` is made,"
                yield Problem(
                    use.at,
                    f"`{beyond.name}`{where} is of more than the row's own documents, which `having` is over",
                    "name metrics without a window, `offset`, `of` or `carry`",
                    related=((beyond.origin, f"the metric `{beyond.name}`"),),
                )
                continue
            for part in _leaves(use.metric, metrics, view):
                if part.name == metric.name:
                    continue  # made of itself: that is said elsewhere
                where = "" if part.name == use.metric else f", of which `{use.metric}` is made,"
                if part.source != metric.source:
                    yield Problem(
                        use.at,
                        f"`{part.name}`{where} is of {part.source}, and `{metric.name}` counts values of "
                        f"{metric.source}",
                        f"name metrics of {metric.source}",
                        related=((part.origin, f"the metric `{part.name}`"),),
                    )
                elif part.type in COHORTS or (by_value(part) is not None and not part.approximate):
                    kind = f"{part.type} with `per`" if part.per else part.type
                    yield Problem(
                        use.at,
                        f"`{part.name}`{where} is of type {kind}, which is not to be had of each value",
                        "name metrics of type count, sum, avg, min, max, first, last, stddev or variance",
                        related=((part.origin, f"the metric `{part.name}`"),),
                    )


def _beyond(name: str, subject: Subject, metrics: Mapping[str, Metric], view: View) -> Metric | None:
    """The metric that takes documents of other partitions or rows, of those that one is made of."""
    if name not in metrics:
        return None
    for one in (metrics[name], *within(subject, view, metrics[name])):
        reaches = one.type in ("cumulative", "share") or one.carry is not None
        if reaches or any(each.offset is not None for each in one.inputs):
            return one
    return None


def _leaves(name: str, metrics: Mapping[str, Metric], view: View) -> list[Metric]:
    """The metrics over documents that a metric is made of; itself, where it is one."""
    found: dict[str, Metric] = {}
    seen, waiting = set(), [name]
    while waiting:
        one = metrics.get(waiting.pop())
        if one is None or one.name in seen:
            continue
        seen.add(one.name)
        if one.source is not None:
            found[one.name] = one
        else:
            waiting += [use.metric for use in reversed(view.uses(one))]
    return list(found.values())


RULE = Rule(
    code="M011",
    name="having-metric",
    severity=Severity.ERROR,
    what="`having` names a metric of another source, or one that groups by a value itself.",
    why="`having` looks at the documents of each value that is counted, and computes the metrics that it "
    "names over these alone, in one pass.",
    bad="""
metrics:
  - orders
  - {name: baskets, source: orders, type: count_distinct, expr: total}
  - {name: regulars, source: orders, type: count_distinct, expr: customer_id, having: baskets >= 5}
""",
    good="""
metrics:
  - orders
  - {name: regulars, source: orders, type: count_distinct, expr: customer_id, having: orders >= 5}
""",
    subject=check,
)
