"""Lint of 1,000 subjects with all rules, against check-jsonschema with our schema, each a whole process."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.harness import Measure, Result, paired, process
from benchmarks.specs import ROOT, project

SCHEMA = ROOT / "schemas" / "dashpipe-v1.schema.json"


def run(*, quick: bool) -> list[Result]:
    """Compare."""
    return [compare(200 if quick else 1_000, pairs=1 if quick else 5, goal=3.0)]


def compare(subjects: int, *, pairs: int, goal: float) -> Result:
    """Lint so many subjects both ways.

    Args:
        subjects: Files.
        pairs: How often.
        goal: How many times faster we mean to be.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = project(Path(name) / "project", subjects)
        files = sorted((folder / "metrics").rglob("*.yml"))

        def ours() -> Measure:
            return process([sys.executable, "-m", "dashpipe", "lint", "--format", "json"], cwd=folder)

        def other() -> Measure:
            command = [sys.executable, "-m", "check_jsonschema", "--schemafile", str(SCHEMA)]
            return process([*command, *map(str, files)], cwd=folder)

        return paired(
            f"lint of {subjects:,} subject{'s' * (subjects > 1)}, all rules, whole process",
            ("dashpipe lint", ours),
            ("check-jsonschema, the schema only", other),
            pairs=pairs,
            goal=goal,
            about={"files": subjects},
        )
