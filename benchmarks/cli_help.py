"""``dashpipe --help``, beside the least that a command line of this kind can be: Python with click."""

from __future__ import annotations

import sys

from benchmarks.harness import Result, paired, process


def run(*, quick: bool) -> list[Result]:
    """Compare."""
    return [
        paired(
            "dashpipe --help, whole process",
            ("dashpipe --help", lambda: process([sys.executable, "-m", "dashpipe", "--help"])),
            ("python -c 'import click'", lambda: process([sys.executable, "-c", "import click"])),
            pairs=7 if quick else 21,
            faster=False,
            goal=1.25,
        )
    ]
