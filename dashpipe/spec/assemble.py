"""From the files of a project to its subjects: built, their names resolved, their identities compared."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from dashpipe.spec.build import Draft, build_model, build_subject, is_model
from dashpipe.spec.calendars import build_calendar, is_calendar
from dashpipe.spec.diagnostic import Diagnostic, Related, Severity, Span
from dashpipe.spec.issue import NAMES, Issue
from dashpipe.spec.metrics import resolve_metrics
from dashpipe.spec.model import (
    COMPOSITES,
    JOURNEYS,
    OF_SOURCE,
    AirflowOptions,
    Dimension,
    Fiscal,
    Grain,
    Origin,
    Source,
    Subject,
    Target,
    Time,
)
from dashpipe.spec.naming import collection_name
from dashpipe.spec.node import Seq
from dashpipe.spec.parts import Take
from dashpipe.spec.project import Resolved
from dashpipe.spec.resolve import check_source, names_of, resolve
from dashpipe.spec.typing import parts_of
from dashpipe.spec.values import child

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dashpipe.spec.project import Project, SourceFile
    from dashpipe.spec.toml import Config

#: Findings that a mistake at the top of the same file may have caused: something was not there, or not
#: understood.
FOLLOWERS = frozenset(
    {"N009", "N010", "N016", "Q001", "Q004", "Q006", "Q008", "P003", "P004", "M006", "M008"}
)

_MODEL = re.compile(r"^model:[ \t]*[\"']?([a-z][a-z0-9_]*)", re.MULTILINE)


def assemble(project: Project) -> Resolved:
    """Build and resolve all subjects of a project."""
    models: dict[str, Source] = {}
    built: list[Subject] = []
    calendars: dict[str, Fiscal] = {}
    doubtful: set[str] = set()
    drafts: list[Draft] = []
    issues: list[Issue] = []
    for file in project.files:
        if file.node is None:
            calendars[_below(file.path, project)] = Fiscal(origin=Origin(file.path))
            match = _MODEL.search(file.text)
            if match is not None:
                # It stands for what cannot be read, so that its users are not blamed, and are not run either.
                models.setdefault(match[1], Source(match[1], "", Time(""), origin=Origin(file.path)))
                doubtful.add(match[1])
        elif is_calendar(file.node):
            calendars[_below(file.path, project)], _ = build_calendar(file.node, file.path)
        elif is_model(file.node):
            model = build_model(file.node, file.path)
            if model is not None:
                first = models.setdefault(model.name, model)
                if first is not model:
                    doubtful.add(model.name)
                    issues.append(_another_model(first, model))
                issues += check_source(model)
                complete = not _doubtful_model(file, model)
                if not complete:
                    doubtful.add(model.name)
                whole, wrong = model_subject(model, project.config, complete)
                built.append(whole)
                issues += wrong
        else:
            draft = build_subject(file.node, file.path, project.config, file.folder)
            if draft is not None:
                drafts.append(draft)
                if any("sources" in one.path[:1] or not one.path for one in _errors(file)):
                    doubtful.add(file.path)
    every: list[Subject] = []
    for draft in drafts:
        subject, wrong = resolve(draft, models, doubtful, calendars)
        every.append(subject)
        issues += wrong
    issues += _identities(every)
    issues += _collections(every)
    issues += _landings((*every, *built))
    findings = tuple(sorted(_findings(project, issues), key=lambda one: one.sort_key))
    errors = [*findings, *(one for file in project.files for one in _errors(file))]
    wrong_files = {one.file for one in errors}
    by_file: dict[str, list[Diagnostic]] = {}
    for one in errors:
        by_file.setdefault(one.file, []).append(one)
    subjects = tuple(
        one
        for one in every
        if is_whole(one)
        and not any(concerns(one, each) for file in files_of(one) & wrong_files for each in by_file[file])
    )
    return Resolved(subjects, findings, tuple(every), tuple(built))


def _below(path: str, project: Project) -> str:
    """A file's name below the folder of the specs, as a subject names a calendar."""
    return path.removeprefix(f"{project.config.metrics.rstrip('/')}/")


def model_subject(model: Source, config: Config, complete: bool) -> tuple[Subject, list[Issue]]:
    """A model as a subject that takes all of it, so that what no subject takes is checked."""
    names = {one.name: one for one in reversed(model.metrics)}
    draft = Draft(
        project="",
        domain="",
        name=model.name,
        version=1,
        timezone=config.defaults.timezone or "UTC",
        start="",
        sources=(model,),
        dimensions=(),
        metrics=tuple(Take(name, model.name, origin=one.origin) for name, one in names.items()),
        target=Target(""),
        grains=(Grain.DAY,),
        week_start="monday",
        fiscal=None,
        schedule=None,
        lookback=None,
        catch_up_days=0,
        checks=(),
        owner="",
        description="",
        tags=(),
        airflow=AirflowOptions(),
        origin=model.origin,
    )
    metrics, issues = resolve_metrics(draft, (model,), complete)
    subject = Subject(
        project="",
        domain="",
        name=model.name,
        version=1,
        timezone=draft.timezone,
        start="",
        sources=(replace(model, metrics=()),),
        metrics=metrics,
        target=draft.target,
        dimensions=tuple({one.name: Dimension(one.name) for one in model.dimensions}.values()),
        origin=model.origin,
    )
    return subject, issues


def files_of(subject: Subject) -> set[str]:
    """The files that a subject is made from: its own, its models' and its calendar's."""
    files = {subject.origin.file, *(one.origin.file for one in subject.sources)}
    return files if subject.fiscal is None else {*files, subject.fiscal.origin.file}


def concerns(subject: Subject, finding: Diagnostic) -> bool:
    """Whether a finding is of what a subject is made from; a model's metric that it does not take is not."""
    if finding.file == subject.origin.file:
        return True
    if finding.file not in files_of(subject):
        return False
    if finding.path[:1] != ("metrics",) or len(finding.path) < 2:
        return True
    taken = any(one.origin == Origin(finding.file, finding.path[:2]) for one in subject.metrics)
    return taken or not is_whole(subject)


def is_whole(subject: Subject) -> bool:
    """Whether all that a subject names was found: with a wrong model it may not be."""
    known = {one.name for one in subject.metrics if one.type in (*OF_SOURCE, *COMPOSITES, *JOURNEYS)}
    if not subject.sources or len(known) < len(subject.metrics):
        return False
    made = [one for one in subject.metrics if one.type in COMPOSITES]
    return all(part in known for one in made for part, _ in parts_of(one))


def _errors(file: SourceFile) -> list[Diagnostic]:
    return [one for one in file.findings if one.severity is Severity.ERROR]


def _doubtful_model(file: SourceFile, model: Source) -> bool:
    """Whether a model's file has names that could not be read: a key misspelt, an item without a name."""
    if any(len(one.path) < 2 for one in _errors(file)):
        return True
    for key, parts in (("metrics", model.metrics), ("dimensions", model.dimensions)):
        node = child(file.node, key)
        if node is not None and (not isinstance(node, Seq) or len(node.items) != len(parts)):
            return True
    return False


def _another_model(first: Source, model: Source) -> Issue:
    text, help = f"there is a model `{model.name}` already", "give one of the two another name"
    return Issue("N012", model.origin.at("model"), text, help, ((first.origin.at("model"), "the first one"),))


def _identities(subjects: Iterable[Subject]) -> Iterator[Issue]:
    """No two files are the same version of the same subject."""
    first: dict[str, Subject] = {}
    for one in subjects:
        earlier = first.setdefault(one.id, one)
        if earlier is not one:
            yield Issue(
                "N013",
                one.origin.at("subject"),
                f"there is a subject {one.id} already",
                "give it another `subject` name, or, if it replaces the other, the next `version`",
                ((earlier.origin.at("subject"), "the first one"),),
            )


def _collections(subjects: Iterable[Subject]) -> Iterator[Issue]:
    """No two subjects or versions write one collection."""
    first: dict[tuple[str, str], tuple[Subject, str]] = {}
    ids: dict[str, Subject] = {}
    for one in subjects:
        if ids.setdefault(one.id, one) is not one:
            continue  # two of one identity: said already
        target = one.target
        names = {
            (target.connection, collection_name(base, grain, one.version)): grain.value
            for grain in dict.fromkeys(one.grains)
            for base in sorted(names_of(target.collection), key=lambda name: (name[:1] == "{", name))
        }
        clash = next((name for name in names if name in first), None)
        for name, grain in names.items():
            first.setdefault(name, (one, grain))
        if clash is not None:
            other, grain = first[clash]
            named = clash[1].removeprefix("{env: ").replace("}", "", 1)
            yield Issue(
                "N014",
                target.origin.at("collection", "env" if clash[1].startswith("{") else "default"),
                f"the rows of grain {names[clash]} go to {named}, as those of grain {grain} of {other.id} do",
                "give one of the two another `target.collection`: a collection has one owner",
                ((other.target.origin.at("collection"), f"the target of {other.id}"),),
            )


def _landings(subjects: Iterable[Subject]) -> Iterator[Issue]:
    """What is landed in one collection is the same, whatever subject lands it."""
    first: dict[str, Source] = {}
    sources = {source.origin: source for one in subjects for source in one.sources if source.landed}
    for one in sources.values():
        for name in sorted(names_of(one.collection)):
            other = first.setdefault(name, one)
            if _landing(other) != _landing(one):
                yield Issue(
                    "N019",
                    one.origin.at("collection"),
                    f"{other.name} lands something else in this collection",
                    "give it a collection of its own, or make one model of both",
                    ((other.origin.at("collection"), f"the collection of {other.name}"),),
                )
                break


def _landing(source: Source) -> tuple[object, ...]:
    """What the documents of a landed source follow from."""
    types = sorted((one.path, one.type) for one in source.fields)
    return source.file, source.http, source.time, source.updated, types


def _findings(project: Project, issues: Iterable[Issue]) -> set[Diagnostic]:
    """The issues at their places, each once, without those that follow from a mistake of shape."""
    wrong = {file.path: [one.path for one in _errors(file)] for file in project.files if file.findings}
    found: set[Diagnostic] = set()
    for one in issues:
        if follows(one.code, one.at.path, wrong.get(one.at.file, ())):
            continue
        span = _place(project, one)
        related = tuple(Related(at.file, project.span(at), text) for at, text in one.related)
        found.add(
            Diagnostic(
                one.code,
                NAMES[one.code],
                Severity.ERROR,
                one.message,
                one.at.file,
                span,
                one.at.path,
                related,
                one.help,
            )
        )
    return found


def follows(code: str, path: tuple[str | int, ...], wrong: Iterable[tuple[str | int, ...]]) -> bool:
    """Whether a finding follows from a mistake of shape: of the same value, or of what it lies in."""
    for one in wrong:
        if one and path[: len(one)] == one:
            return True
        if code in FOLLOWERS and (len(one) < 2 or one[: len(path)] == path):
            return True
    return False


def _place(project: Project, issue: Issue) -> Span:
    if issue.part is not None:
        from dashpipe.spec.place import part_span  # needed for few findings only

        return part_span(project, issue.at, *issue.part)
    return project.span(issue.at, issue.on_key)
