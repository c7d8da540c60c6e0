"""From a subject's draft to the resolved subject, in which every name stands for what it means."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from dashpipe.spec import grouped, joined, written
from dashpipe.spec.alone import check_source
from dashpipe.spec.build import Draft
from dashpipe.spec.issue import Issue, meant
from dashpipe.spec.metrics import resolve_metrics
from dashpipe.spec.model import Dimension, Fiscal, Source, Subject
from dashpipe.spec.parts import Ref


def resolve(
    draft: Draft,
    models: Mapping[str, Source],
    doubtful: Collection[str] = (),
    calendars: Mapping[str, Fiscal] = MappingProxyType({}),
) -> tuple[Subject, list[Issue]]:
    """Resolve the names of a subject.

    Args:
        draft: What its file says.
        models: The models by name; an empty one for a file that cannot be read.
        doubtful: Models by name, or this subject's file, whose names could not all be read: what is not
            found among them is not reported.
        calendars: The calendars by their files' names below the folder of the specs.

    Returns:
        The subject, and what is wrong with its names. With issues the subject is as whole as can be, for
        rules that look at the rest of it; it is not fit to be compiled.
    """
    issues: list[Issue] = list(_settings(draft))
    sources, complete = _sources(draft, models, doubtful, issues)
    dimensions = tuple(_connected(one, sources) for one in _twice(draft, issues))
    if complete:
        issues += joined.defined(draft, sources)
    issues += joined.lookups(draft, sources)
    metrics, wrong = resolve_metrics(draft, sources, complete)
    issues += wrong
    subject = Subject(
        project=draft.project,
        domain=draft.domain,
        name=draft.name,
        version=draft.version,
        timezone=draft.timezone,
        start=draft.start,
        sources=tuple(replace(one, metrics=()) for one in sources),
        metrics=metrics,
        target=draft.target,
        dimensions=dimensions,
        grains=draft.grains,
        week_start=draft.week_start,
        fiscal=_calendar(draft, calendars, issues),
        schedule=draft.schedule,
        lookback=draft.lookback,
        catch_up_days=draft.catch_up_days,
        checks=draft.checks,
        owner=draft.owner,
        description=draft.description,
        tags=draft.tags,
        airflow=draft.airflow,
        origin=draft.origin,
    )
    issues += grouped.check(subject)
    issues += written.queries(subject)
    issues += written.target(subject)
    return subject, issues


def _calendar(draft: Draft, calendars: Mapping[str, Fiscal], issues: list[Issue]) -> Fiscal | None:
    """The subject's fiscal periods, with what its calendar file says."""
    fiscal = draft.fiscal
    if fiscal is None or fiscal.first_month is not None:
        return fiscal
    found = calendars.get(fiscal.name)
    if found is None:
        otherwise = "a calendar file is YAML in the folder of the specs, with `calendar: …` and its days"
        help = meant(fiscal.name, [name for name, one in calendars.items() if one.name], otherwise)
        text = f"there is no calendar file `{fiscal.name}`"
        issues.append(Issue("N018", fiscal.origin.at("file"), text, help))
    return found or fiscal


def _settings(draft: Draft) -> Iterator[Issue]:
    examples = {"project": "acme", "timezone": "Asia/Shanghai", "start": "2024-01-01"}
    for key, example in examples.items():
        if not getattr(draft, key):
            help = f"write `{key}: {example}` here, or under [defaults] in dashpipe.toml for all subjects"
            yield Issue("N016", draft.origin.at("subject"), f"this subject has no `{key}`", help, on_key=True)


def _sources(
    draft: Draft, models: Mapping[str, Source], doubtful: Collection[str], issues: list[Issue]
) -> tuple[tuple[Source, ...], bool]:
    """The sources that are known, and whether these are all, known whole."""
    found: dict[str, Source] = {}
    first: dict[str, Source | Ref] = {}
    complete = bool(draft.sources) and draft.origin.file not in doubtful
    for one in draft.sources:
        if one.name in first:
            text, help = f"there is a source `{one.name}` already", "leave one out, or give it another name"
            issues.append(
                Issue(
                    "N006",
                    one.origin.at("name"),
                    text,
                    help,
                    ((first[one.name].origin.at("name"), "the first one"),),
                )
            )
            continue
        first[one.name] = one
        if isinstance(one, Source):
            issues += check_source(one)
            found[one.name] = one
        elif one.name not in models:
            help = meant(
                one.name, list(models), "write a model, or define the source here with its `collection`"
            )
            issues.append(Issue("N001", one.origin, f"there is no model `{one.name}`", help))
            complete = False
        else:
            found[one.name] = models[one.name]
            complete = complete and one.name not in doubtful
    landed = (
        replace(one, connection=draft.target.connection) if one.landed else one for one in found.values()
    )
    return tuple(landed), complete


def _twice(draft: Draft, issues: list[Issue]) -> tuple[Dimension, ...]:
    first: dict[str, Dimension] = {}
    for one in draft.dimensions:
        earlier = first.setdefault(one.name, one)
        if earlier is not one:
            text = f"there is a dimension `{one.name}` already"
            related = ((earlier.origin.at("name"), "the first one"),)
            issues.append(Issue("N006", one.origin.at("name"), text, "leave one out", related))
    return tuple(first.values())


def _connected(dimension: Dimension, sources: tuple[Source, ...]) -> Dimension:
    """A looked-up dimension with its connection: the first source's where it says none."""
    lookup = dimension.lookup
    if lookup is None or lookup.connection is not None or not sources:
        return dimension
    return replace(dimension, lookup=replace(lookup, connection=sources[0].connection))
