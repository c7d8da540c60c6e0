"""What a subject is made from, and whether a finding there leaves it whole."""

from __future__ import annotations

from dashpipe.spec.diagnostic import Diagnostic
from dashpipe.spec.model import COMPOSITES, JOURNEYS, OF_SOURCE, Origin, Subject
from dashpipe.spec.typing.parts import parts_of


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
