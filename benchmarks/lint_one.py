"""Lint of a project of one file, whole process: what an editor or a pre-commit hook waits for."""

from __future__ import annotations

from benchmarks import lint_many
from benchmarks.harness import Result


def run(*, quick: bool) -> list[Result]:
    """Compare."""
    return [lint_many.compare(1, pairs=5 if quick else 21, goal=4.0)]
