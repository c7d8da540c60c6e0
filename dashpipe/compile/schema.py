"""A second reading of the specs, by the published JSON Schema: it must accept what lint accepts.

Lint's own rules of shape come from the same definition and are faster; this runs where a manifest is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from dashpipe.spec.diagnostic import Diagnostic, Severity

if TYPE_CHECKING:
    from dashpipe.spec.project import Project


def disagreements(project: Project, findings: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """What the JSON Schema refuses in files that lint finds no error in.

    Args:
        project: The project.
        findings: What lint found.
    """
    from jsonschema import Draft7Validator

    from dashpipe.spec.node import plain
    from dashpipe.spec.shape import json_schema

    wrong = {one.file for one in findings if one.severity is Severity.ERROR}
    validator = Draft7Validator(json_schema())
    for file in project.files:
        if file.node is None or file.path in wrong:
            continue
        for error in validator.iter_errors(plain(file.node)):
            path = tuple(error.absolute_path)
            yield Diagnostic(
                "L005",
                "lint-broke",
                Severity.ERROR,
                f"the JSON Schema refuses this, and no rule says why: {error.message}",
                file.path,
                file.span(path),
                path,
                help="this is a mistake in dashpipe: please report it with this file",
            )
