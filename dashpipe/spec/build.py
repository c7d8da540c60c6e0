"""From a file's nodes to what it says: a model, or a subject whose names are not resolved yet."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, NamedTuple

from dashpipe.spec.model import (
    NOWHERE,
    AirflowOptions,
    Check,
    Dimension,
    Fiscal,
    Grain,
    Lookback,
    Metric,
    Origin,
    Schedule,
    Source,
    Target,
)
from dashpipe.spec.node import Map, Node, plain
from dashpipe.spec.parts import (
    Ref,
    Take,
    build_check,
    build_dimensions,
    build_metric,
    build_source,
    build_taken,
    build_target,
)
from dashpipe.spec.toml import airflow_options
from dashpipe.spec.values import as_text, child, entries, grains, optional, text, texts, whole

if TYPE_CHECKING:
    from dashpipe.spec.toml import Config


class Draft(NamedTuple):
    """A subject as its file says it, with the project's defaults; sources and metrics still by name."""

    project: str
    domain: str
    name: str
    version: int
    timezone: str
    start: str
    sources: tuple[Source | Ref, ...]
    dimensions: tuple[Dimension, ...]
    metrics: tuple[Metric | Take, ...]
    target: Target
    grains: tuple[Grain, ...]
    week_start: str
    fiscal: Fiscal | None
    schedule: Schedule | None
    lookback: Lookback | None
    catch_up_days: int
    checks: tuple[Check, ...]
    owner: str
    description: str
    tags: tuple[str, ...]
    airflow: AirflowOptions
    origin: Origin = NOWHERE


def is_model(node: Node | None) -> bool:
    """Whether a file is a model: it names itself one, and no subject."""
    return child(node, "model") is not None and child(node, "subject") is None


def build_model(node: Node, file: str) -> Source | None:
    """The model of a file, ``None`` where it has no name."""
    return build_source(node, Origin(file), "model") if optional(node, "model") else None


def build_subject(node: Node, file: str, config: Config, folder: str) -> Draft | None:
    """The subject of a file, ``None`` where it has no name.

    Args:
        node: The file's root.
        file: Its name in the project.
        config: The project's settings, whose defaults stand for what the file does not say.
        folder: The name of its folder, the domain where nothing else says it.
    """
    name = optional(node, "subject")
    if not name:
        return None
    origin, defaults = Origin(file), config.defaults
    domain = optional(node, "domain") or defaults.domain or folder
    catch_up = whole(child(node, "catch_up_days"))
    return Draft(
        project=optional(node, "project") or defaults.project or "",
        domain=domain,
        name=name,
        version=whole(child(node, "version")) or 1,
        timezone=optional(node, "timezone") or defaults.timezone or "",
        start=optional(node, "start") or defaults.start or "",
        sources=_sources(child(node, "sources"), origin.at("sources")),
        dimensions=build_dimensions(child(node, "dimensions"), origin.at("dimensions")),
        metrics=_metrics(child(node, "metrics"), origin.at("metrics")),
        target=build_target(child(node, "target"), f"{domain}_{name}", origin.at("target")),
        grains=grains(child(node, "grains")) or (Grain.DAY,),
        week_start=optional(node, "week_start") or defaults.week_start or "monday",
        fiscal=_fiscal(child(node, "calendar"), origin.at("calendar")),
        schedule=_schedule(child(node, "schedule")),
        lookback=_lookback(child(node, "lookback_days"), defaults.lookback_days),
        catch_up_days=defaults.catch_up_days if catch_up is None else catch_up,
        checks=tuple(build_check(one, at) for one, at in entries(child(node, "checks"), origin.at("checks"))),
        owner=text(node, "owner", defaults.owner or ""),
        description=text(node, "description"),
        tags=texts(child(node, "tags")),
        airflow=_airflow(child(node, "airflow"), config.airflow),
        origin=origin,
    )


def _sources(node: Node | None, origin: Origin) -> tuple[Source | Ref, ...]:
    found: list[Source | Ref] = []
    for one, at in entries(node, origin):
        if isinstance(one, Map):
            if optional(one, "name"):
                found.append(build_source(one, at))
        elif (name := as_text(one)) is not None:
            found.append(Ref(name, at))
    return tuple(found)


def _metrics(node: Node | None, origin: Origin) -> tuple[Metric | Take, ...]:
    found: list[Metric | Take] = []
    for one, at in entries(node, origin):
        taken = build_taken(one, at)
        if taken is not None:
            found.append(taken)
        elif optional(one, "name"):
            found.append(build_metric(one, at))
    return tuple(found)


def _schedule(node: Node | None) -> Schedule | None:
    if isinstance(node, Map):
        return Schedule(after=texts(child(node, "after")))
    cron = as_text(node)
    return None if cron in (None, "none", "null") else Schedule(cron)


def _fiscal(node: Node | None, origin: Origin) -> Fiscal | None:
    """What a subject says of its calendar; a file is still by its name, which is resolved later."""
    file, month = optional(node, "file"), whole(child(node, "fiscal_first_month"))
    if not isinstance(node, Map) or (file is None and month is None):
        return None
    return Fiscal(first_month=month, name=file or "", origin=origin)


def _lookback(node: Node | None, default: int | None) -> Lookback | None:
    if isinstance(node, Map):
        dense = whole(child(node, "dense"))
        sparse = child(node, "sparse")
        days = tuple(value for one, _ in entries(sparse, NOWHERE) if (value := whole(one)) is not None)
        return Lookback(3 if dense is None else dense, days)
    dense = whole(node)
    if dense is not None:
        return Lookback(dense)
    return None if default is None else Lookback(default, default=True)


def _airflow(node: Node | None, base: AirflowOptions) -> AirflowOptions:
    """The options of a subject over those of the project."""
    if not isinstance(node, Map):
        return base
    known = {one.name for one in fields(AirflowOptions)}
    given = {one.name: plain(one.value) for one in node.entries if one.name in known}
    return airflow_options(base, given)
