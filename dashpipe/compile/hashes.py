"""What a manifest follows from, as hashes. Light: Airflow asks at every parse whether it changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.compile.entry import SETTINGS, digest
from dashpipe.spec.project import walk
from dashpipe.spec.toml import load_config

if TYPE_CHECKING:
    from pathlib import Path


def hashes(root: Path) -> dict[str, str]:
    """Every file that a project's manifest follows from → the hash of its content.

    A file that cannot be read has none; that changes the hash of all.
    """
    config, _ = load_config(root / SETTINGS)
    names = [SETTINGS, *(path for path, problem in walk(root, config.metrics) if problem is None)]
    found = {}
    for name in names:
        try:
            found[name] = digest((root / name).read_bytes())
        except OSError:
            found[name] = ""
    return found
