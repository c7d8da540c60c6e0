"""From the files of a project to its subjects: built, their names resolved, their identities compared."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from dashpipe.spec import clashes
from dashpipe.spec.alone import check_source
from dashpipe.spec.build import Draft, build_model, build_subject, is_model
from dashpipe.spec.calendars import build_calendar, is_calendar
from dashpipe.spec.diagnostic import Diagnostic
from dashpipe.spec.issue import Issue
from dashpipe.spec.metrics import resolve_metrics
from dashpipe.spec.model import (
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
from dashpipe.spec.node import Seq
from dashpipe.spec.parts import Take
from dashpipe.spec.placed import errors_of, findings_of
from dashpipe.spec.project import Resolved
from dashpipe.spec.resolve import resolve
from dashpipe.spec.values import child
from dashpipe.spec.whole import concerns, files_of, is_whole

if TYPE_CHECKING:
    from dashpipe.spec.project import Project, SourceFile
    from dashpipe.spec.toml import Config

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
                if any("sources" in one.path[:1] or not one.path for one in errors_of(file)):
                    doubtful.add(file.path)
    every: list[Subject] = []
    for draft in drafts:
        subject, wrong = resolve(draft, models, doubtful, calendars)
        every.append(subject)
        issues += wrong
    issues += clashes.identities(every)
    issues += clashes.collections(every)
    issues += clashes.landings((*every, *built))
    findings = tuple(sorted(findings_of(project, issues), key=lambda one: one.sort_key))
    errors = [*findings, *(one for file in project.files for one in errors_of(file))]
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


def _doubtful_model(file: SourceFile, model: Source) -> bool:
    """Whether a model's file has names that could not be read: a key misspelt, an item without a name."""
    if any(len(one.path) < 2 for one in errors_of(file)):
        return True
    for key, parts in (("metrics", model.metrics), ("dimensions", model.dimensions)):
        node = child(file.node, key)
        if node is not None and (not isinstance(node, Seq) or len(node.items) != len(parts)):
            return True
    return False


def _another_model(first: Source, model: Source) -> Issue:
    text, help = f"there is a model `{model.name}` already", "give one of the two another name"
    return Issue("N012", model.origin.at("model"), text, help, ((first.origin.at("model"), "the first one"),))
