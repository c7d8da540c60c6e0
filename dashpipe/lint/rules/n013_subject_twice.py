"""Two subjects with one id."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="N013",
    name="subject-twice",
    severity=Severity.ERROR,
    what="Two files are the same version of the same subject: project, domain, subject and version agree.",
    why="The four together are the DAG's id: one DAG would replace the other.",
    bad="""
subject: other
target: {collection: dash_again}
""",
    good="""
subject: other
version: 2
target: {collection: dash_again}
""",
)
