"""From a project to its manifest: which findings break which subject, and what is known of a broken one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from dashpipe.compile.entry import SETTINGS, Entry
from dashpipe.compile.manifest import Manifest, Spec, build, unchanged
from dashpipe.compile.store import is_id
from dashpipe.spec.diagnostic import Diagnostic, Severity

if TYPE_CHECKING:
    from dashpipe.spec.model import Subject
    from dashpipe.spec.project import Project


def compile_project(
    project: Project, found: Mapping[str, str], previous: Mapping[str, Entry], reuse: bool = False
) -> tuple[Manifest, list[Diagnostic]]:
    """Lint a project and make its manifest.

    Args:
        project: The project, read after its files were hashed, so that a change in between is seen next time.
        found: ``hashes`` of it.
        previous: The entries of the manifest before.
        reuse: Whether entries of unchanged files stay as they are: they were made by this very dashpipe.

    Returns:
        The manifest, and everything that lint found, warnings too.
    """
    from dashpipe.lint import lint

    findings = list(lint(project))
    errors = [one for one in findings if one.severity is Severity.ERROR]
    specs = [
        spec if reuse and unchanged(spec, previous.get(spec.dag_id), found) else _compiled(project, spec)
        for spec in _specs(project, errors)
    ]
    said = {*findings}
    more = [one for spec in specs for one in spec.findings if one not in said]
    manifest = build(specs, [*errors, *more], found, previous, project.config.allow, reuse)
    return manifest, [*findings, *more]


def _specs(project: Project, errors: list[Diagnostic]) -> Iterator[Spec]:
    from dashpipe.lint import refused
    from dashpipe.spec.whole import files_of

    settings = [one for one in errors if one.file == SETTINGS and one.code != "L005"]
    good = {id(one) for one in project.resolved().subjects}
    for subject in project.resolved().every:
        wanted = _sources(project, subject)
        missing = set(wanted) - {one.name for one in subject.sources}
        unread = [one for one in project.files if one.node is None] if missing else []
        own = refused([subject], errors).get(subject.id, [])
        own += [one for file in unread for one in file.findings if one not in own]
        fit = id(subject) in good and not missing and not settings and not own
        yield Spec(
            file=subject.origin.file,
            inputs=(SETTINGS, *sorted({*files_of(subject), *(one.path for one in unread)})),
            dag_id=subject.id if is_id(subject.id) else "",
            name=subject.name,
            sources=wanted,
            on_broken=subject.airflow.on_broken,
            owner=subject.owner,
            subject=subject if fit else None,
            findings=(*settings, *own),
        )


def _compiled(project: Project, spec: Spec) -> Spec:
    """A spec that has a plan: what cannot be compiled must show here, not in the first run."""
    from dashpipe.compile import CompileError, compile_subject

    if spec.subject is None:
        return spec
    try:
        compile_subject(spec.subject)
    except CompileError as error:
        why = Diagnostic(
            "L005",
            "lint-broke",
            Severity.ERROR,
            f"this cannot be compiled, and no rule says why: {error.message}",
            spec.file,
            project.span(spec.subject.origin),
            help="this is a mistake in dashpipe: please report it with this file",
        )
        return replace(spec, subject=None, findings=(why,))
    return spec


def _sources(project: Project, subject: Subject) -> tuple[str, ...]:
    """The names of a subject's sources as its file says them; one whose model cannot be read is not in it."""
    from dashpipe.spec.build import build_subject

    file = project.by_path[subject.origin.file]
    draft = (
        build_subject(file.node, file.path, project.config, file.folder) if file.node is not None else None
    )
    return tuple(dict.fromkeys(one.name for one in draft.sources)) if draft is not None else ()
