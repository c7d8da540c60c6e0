"""From a subject's draft to the resolved subject, in which every name stands for what it means."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from dashpipe.spec import grouped
from dashpipe.spec.build import Draft
from dashpipe.spec.issue import Issue, meant
from dashpipe.spec.metrics import resolve_metrics
from dashpipe.spec.model import Dimension, Env, EnvText, Fiscal, Metric, Source, Subject
from dashpipe.spec.mongo import looked_up
from dashpipe.spec.parts import Ref

#: Columns that every row has beside its dimensions and metrics.
COLUMNS = ("partition_date", "partition_hour", "grain", "complete", "created_at", "updated_at")


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
        issues += _defined(draft, sources)
    issues += _lookups(draft, sources)
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
    issues += _queries(subject)
    issues += _target(subject)
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


def check_source(source: Source) -> Iterator[Issue]:
    """What is wrong with the names of a source on its own: a model, or one that a subject defines."""
    kinds: tuple[tuple[str, tuple[Dimension, ...] | tuple[Metric, ...]], ...]
    kinds = (("dimension", source.dimensions), ("metric", source.metrics))
    for kind, parts in kinds:
        first: dict[str, Dimension | Metric] = {}
        for one in parts:
            earlier = first.setdefault(one.name, one)
            if earlier is not one:
                yield Issue(
                    "N006",
                    one.origin.at("name"),
                    f"there is a {kind} `{one.name}` already",
                    "leave one out, or give it another name",
                    ((earlier.origin.at("name"), "the first one"),),
                )
    yield from _unwind(source)
    if source.landed and source.connection:
        yield Issue(
            "N020",
            source.origin.at("connection"),
            "what is landed goes into the target's database",
            "leave `connection` out",
        )
    fields = {one.path: one for one in source.fields}
    for dimension in source.dimensions:
        name, text = dimension.name, dimension.expr
        if name in fields and text is not None and text.strip() not in (name, f"doc.{name}", f'"{name}"'):
            yield Issue(
                "N015",
                dimension.origin.at("name"),
                f"`{name}` is a field of the documents and a dimension with another value",
                f"give the dimension another name: `{name}` in `expr` and `where` is read as the dimension",
                ((fields[name].origin, "the field"),),
            )


def _unwind(source: Source) -> Iterator[Issue]:
    """The elements of an array have a name of their own, and the array is one."""
    unwind = source.unwind
    if unwind is None:
        return
    at, alias, array = source.origin.at("unwind", "as"), unwind.alias, unwind.path.split(".")[0]
    declared = next((one for one in source.fields if one.path == unwind.path), None)
    if declared is not None and declared.type not in ("array", ""):
        yield Issue(
            "N017",
            source.origin.at("unwind", "path"),
            f"`{unwind.path}` is declared {declared.type}: there is nothing to take apart",
            "name the field that holds the array, or correct its type",
            ((declared.origin, "its type"),),
        )
    other = "e.g. `item`" if alias != "item" else "e.g. `element`"
    if alias == array:
        text = f"`{alias}` is the array, and an element needs a name of its own"
        yield Issue("N017", at, text, f"write another name, {other}")
    elif alias == source.time.field.split(".")[0]:
        text = f"`{alias}` holds the time of the document, and an element of that name would hide it"
        yield Issue("N017", at, text, f"write another name, {other}")
    elif (one := next((one for one in source.dimensions if one.name == alias), None)) is not None:
        yield Issue(
            "N017",
            at,
            f"`{alias}` is a dimension: in expressions it would not mean the element",
            f"write another name, {other}",
            ((one.origin, "the dimension"),),
        )


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


def _defined(draft: Draft, sources: tuple[Source, ...]) -> Iterator[Issue]:
    """Each dimension of the key is defined by each source."""
    defined = {one.name: {each.name: each for each in one.dimensions} for one in sources}
    for dimension in draft.dimensions:
        if dimension.lookup is not None:
            continue
        name, at = dimension.name, dimension.origin.at("name")
        lacking = [one for one in sources if name not in defined[one.name]]
        if not lacking:
            continue
        if len(lacking) < len(sources):
            for source in lacking:
                yield Issue(
                    "N004",
                    at,
                    f"the source {source.name} does not define the dimension `{name}`",
                    f"add `{{name: {name}, expr: …}}` to the `dimensions` of {source.name}: "
                    "rows of several sources are joined by all dimensions",
                    ((source.origin.at("dimensions"), f"the dimensions of {source.name}"),),
                )
            continue
        known = list(dict.fromkeys(each for one in defined.values() for each in one))
        field = next((one for source in sources for one in source.fields if one.path == name), None)
        if field is not None:
            yield Issue(
                "N003",
                at,
                f"`{name}` is a field, and no source defines it as a dimension",
                f"add `{name}` to the `dimensions` of the source",
                ((field.origin, "the field"),),
            )
            continue
        help = meant(name, known, f"add `{name}` to the `dimensions` of the source")
        yield Issue("N003", at, f"no source defines the dimension `{name}`", help)


def _lookups(draft: Draft, sources: tuple[Source, ...]) -> Iterator[Issue]:
    """A lookup goes by a dimension of the row, looked up or not, or by one of the sources."""
    hidden = {one.name for source in sources for one in source.dimensions}
    key = [one.name for one in draft.dimensions if one.lookup is None]
    by = {one.name: one.lookup.key for one in draft.dimensions if one.lookup is not None}
    for one in draft.dimensions:
        if one.lookup is None or not one.lookup.key:
            continue
        trail = [one.name]
        while trail[-1] in by and trail[-1] not in trail[:-1]:
            trail.append(by[trail[-1]])
        if len(trail) > 2 and trail[-1] != one.name:
            continue  # said where the chain breaks, or where it turns
        name, at = one.lookup.key, one.origin.at("lookup", "key")
        if name == one.name:
            text = f"`{name}` would be looked up by itself"
        elif trail[-1] == one.name:
            text = f"`{one.name}` is looked up by itself in the end: {' → '.join(trail)}"
        elif name not in key and name not in hidden:
            text = f"`{name}` is no dimension of this subject"
        else:
            continue
        help = meant(name, key, "list the dimension that it is looked up by under `dimensions`")
        yield Issue("N009", at, text, help)


def _queries(subject: Subject) -> Iterator[Issue]:
    """What dashboards ask for are columns of the rows."""
    written = [one.name for one in subject.dimensions] + [
        one.name for one in subject.metrics if not one.hidden
    ]
    columns = [*written, *COLUMNS]
    for index, query in enumerate(subject.target.queries):
        at = subject.target.origin.at("queries", index)
        asked = [(name, at.at("equal", place)) for place, name in enumerate(query.equal)]
        if query.range is not None:
            asked.append((query.range, at.at("range")))
        for name, place in asked:
            if name not in columns:
                alias = {"date": "partition_date", "day": "partition_date", "time": "partition_date"}.get(
                    name
                )
                help = f"did you mean {alias}?" if alias else meant(name, columns, "")
                yield Issue("N010", place, f"the rows have no column `{name}`", help)


def _target(subject: Subject) -> Iterator[Issue]:
    """Nothing that the subject reads is what it writes."""
    ours = names_of(subject.target.collection)
    at = subject.target.origin.at("collection")
    for source in subject.sources:
        if ours & names_of(source.collection):
            yield Issue(
                "N011",
                at,
                f"the target is the collection that the source {source.name} reads",
                "give the target a name of its own, such as "
                f"{subject.domain}_{subject.name}: a run would read its own rows, or delete documents",
                ((source.origin.at("collection"), f"the source {source.name}"),),
            )
        if ours & set(looked_up(map(json.loads, source.prepare))):
            yield Issue(
                "N011",
                at,
                f"the target is a collection that `prepare` of the source {source.name} looks into",
                f"give the target a name of its own, such as {subject.domain}_{subject.name}",
                ((source.origin.at("prepare"), f"the stages of {source.name}"),),
            )
    for one in subject.dimensions:
        if one.lookup is not None and ours & names_of(one.lookup.collection):
            yield Issue(
                "N011",
                at,
                f"the target is the collection in which `{one.name}` is looked up",
                f"give the target a name of its own, such as {subject.domain}_{subject.name}",
                ((one.origin.at("lookup", "collection"), "the lookup"),),
            )


def names_of(collection: EnvText) -> set[str]:
    """What a collection may be called: its name or default, and the variable that gives it."""
    if isinstance(collection, Env):
        return {f"{{env: {collection.name}}}"} | ({collection.default} if collection.default else set())
    return {collection} if collection else set()
