"""From a project to its manifest: which findings break which subject, and what is known of a broken one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dashpipe.compile.entry import SETTINGS, Entry, digest
from dashpipe.compile.manifest import Manifest, Spec, build
from dashpipe.spec.diagnostic import Diagnostic, Severity
from dashpipe.spec.project import walk

if TYPE_CHECKING:
    from dashpipe.spec.model import Subject
    from dashpipe.spec.project import Project


def hashes(root: Path) -> dict[str, str]:
    """Every file that a project's manifest follows from → the hash of its content.

    A file that cannot be read has none; that changes the hash of all.
    """
    from dashpipe.spec.toml import load_config

    config, _ = load_config(root / SETTINGS)
    names = [SETTINGS, *(path for path, problem in walk(root, config.metrics) if problem is None)]
    found = {}
    for name in names:
        try:
            found[name] = digest((root / name).read_bytes())
        except OSError:
            found[name] = ""
    return found


def compile_project(
    project: Project, found: Mapping[str, str], previous: Mapping[str, Entry]
) -> tuple[Manifest, list[Diagnostic]]:
    """Lint a project and make its manifest.

    Args:
        project: The project, read after its files were hashed, so that a change in between is seen next time.
        found: ``hashes`` of it.
        previous: The entries of the manifest before.

    Returns:
        The manifest, and everything that lint found, warnings too.
    """
    from dashpipe.lint import lint

    findings = list(lint(project))
    errors = [one for one in findings if one.severity is Severity.ERROR]
    specs = list(_specs(project, errors))
    return build(specs, errors, found, previous, project.config.allow.env), findings


def _specs(project: Project, errors: Iterable[Diagnostic]) -> Iterator[Spec]:
    from dashpipe.spec.assemble import concerns, files_of

    errors = list(errors)
    settings = [one for one in errors if one.file == SETTINGS]
    good = {id(one) for one in project.resolved().subjects}
    for subject in project.resolved().every:
        findings = [*settings, *(one for one in errors if concerns(subject, one))]
        fit = id(subject) in good and not findings
        yield Spec(
            file=subject.origin.file,
            inputs=(SETTINGS, *sorted(files_of(subject))),
            dag_id=subject.id if _named(subject) else "",
            name=subject.name,
            sources=tuple(one.name for one in subject.sources),
            on_broken=subject.airflow.on_broken,
            owner=subject.owner,
            subject=subject if fit else None,
            findings=tuple(findings),
        )


def _named(subject: Subject) -> bool:
    """Whether the parts of a subject's id are there, and in the form of one."""
    from dashpipe.compile.store import is_id

    return all((subject.project, subject.domain, subject.name)) and is_id(subject.id)
