"""The documentation of a DAG, in Markdown: rendered when the manifest is made, never when Airflow parses."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from dashpipe.compile.describe import place
from dashpipe.spec.model import AGGREGATES, Metric, Subject
from dashpipe.spec.naming import collection_name

if TYPE_CHECKING:
    from jinja2 import Template

_STATES = {
    "last_good": "Its runs follow the last plan that was good, until these are mended:",
    "stub": "Its tasks fail until these are mended:",
}


def render(
    subject: Subject | None, file: str, spec: str, state: str = "ok", findings: Sequence[str] = ()
) -> str:
    """The text that Airflow shows with a DAG.

    Args:
        subject: What the DAG computes, ``None`` where no good plan of it is known.
        file: The spec's file, as the project names it.
        spec: The first digits of the spec's fingerprint.
        state: ``ok``, ``last_good`` or ``stub``.
        findings: What is wrong with the spec, one line each.
    """
    return _template().render(
        subject=subject,
        file=file,
        spec=spec,
        state=_STATES.get(state, ""),
        findings=findings,
        schedule=_schedule(subject) if subject else "",
        key=[one.name for one in subject.row_key] if subject else [],
        targets=_targets(subject) if subject else [],
        metrics=[_row(one) for one in subject.metrics if not one.hidden] if subject else [],
    )


def _schedule(subject: Subject) -> str:
    schedule = subject.schedule
    if schedule is None:
        return "when asked to"
    if schedule.after:
        return f"after {', '.join(schedule.after)}"
    return f"`{schedule.cron}` in {subject.timezone}"


def _targets(subject: Subject) -> list[tuple[str, str]]:
    base = place(subject.target.collection)
    return [(grain.value, collection_name(base, grain, subject.version)) for grain in subject.grains]


def _row(metric: Metric) -> dict[str, str]:
    return {
        "name": metric.name,
        "what": what(metric),
        "unit": metric.unit,
        "description": metric.description,
    }


def _aggregate(metric: Metric) -> str:
    """The type of an aggregate, with what makes it another number."""
    about = "approximate" if metric.approximate else metric.method or ""
    if metric.type in ("stddev", "variance"):
        about = "population" if metric.population else "sample"
    number = metric.p or ("" if metric.k is None else str(metric.k))
    return " ".join(one for one in (about, metric.type, number) if one)


def _reach(metric: Metric) -> str:
    """The time that a cumulative metric runs over."""
    if metric.window is not None:
        return f"over {metric.window}"
    return "of all time" if metric.to_date is None else f"{metric.to_date} to date"


def what(metric: Metric) -> str:
    """A metric in one phrase: ``sum of `duration_s / 60` where `score >= 60` (lessons)``."""
    if metric.type == "ratio":
        text = f"{metric.numerator} / {metric.denominator}"
    elif metric.type in AGGREGATES:
        text = _aggregate(metric) + (f" of `{metric.expr}`" if metric.expr else "")
        if metric.by:
            text += f" by `{metric.by}`"
        if metric.per:
            text += f" of each {', '.join(f'`{one}`' for one in metric.per)}, summed"
        if metric.carry is not None:
            text += ", carried always" if metric.carry == "always" else f", carried for {metric.carry}"
        if metric.having:
            text += f" having `{metric.having}`"
    elif metric.type == "cumulative":
        text = f"{metric.metric} {_reach(metric)}"
    elif metric.base is not None and metric.conversion is not None:
        events = (metric.base, metric.conversion)
        sides = [one.source + (f" where `{one.where}`" if one.where else "") for one in events]
        text = f"{metric.measured_as or 'rate'} of {sides[0]} to {sides[1]} by `{metric.entity}`"
        text += f" within {metric.window}"
    elif metric.period is not None:
        text = f"share of `{metric.entity}` seen again up to {metric.periods} {metric.period.value}s later"
    elif metric.type == "share":
        text = f"share of {metric.metric} within {', '.join(metric.of) or 'all rows'}"
    else:
        text = f"`{metric.expr}`"
        moved = [f"{one.alias} = {one.metric} {one.offset} before" for one in metric.inputs if one.offset]
        text += f" ({', '.join(moved)})" if moved else ""
    if metric.where:
        text += f" where `{metric.where}`"
    return text + (f" ({metric.source})" if metric.source else "")


def _cell(text: str) -> str:
    """Text that stays in its table cell."""
    return " ".join(text.replace("|", "\\|").split())


@cache
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("dashpipe.compile", "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 (Markdown comes out; Airflow's UI renders no raw HTML of it)
    )
    environment.filters["cell"] = _cell
    environment.filters["place"] = place
    return environment.get_template("dag.md.j2")
