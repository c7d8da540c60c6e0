"""The names of the collections that hold a run's state, all in the target database."""

from __future__ import annotations

import hashlib

from dashpipe.spec.model import Grain

RUNS = "dashpipe_runs"
PARTITIONS = "dashpipe_partitions"
CHECKS = "dashpipe_checks"
VALUES = "dashpipe_values"
QUARANTINE = "dashpipe_quarantine"
AUDIT = "dashpipe_audit"
TARGETS = "dashpipe_targets"
CAPABILITIES = "dashpipe_capabilities"
LANDINGS = "dashpipe_landings"
MOVES = "dashpipe_landings_moves"

#: What begins with this belongs to dashpipe, and no target may be called so.
PREFIX = "dashpipe_"

#: What the names of all staging collections begin with.
STAGING = f"{PREFIX}stage_"


def staging_prefix(subject_id: str) -> str:
    """What the names of all staging collections of a subject begin with."""
    return f"{STAGING}{subject_id}__"


def staging_run(subject_id: str, run_id: str) -> str:
    """What the names of the staging collections of one run of a subject begin with."""
    return f"{staging_prefix(subject_id)}{hashlib.sha256(run_id.encode()).hexdigest()[:8]}_"


def staging(subject_id: str, run_id: str, kind: str, grain: Grain, fence: int) -> str:
    """The name of a staging collection: one a run, kind (``rows``, ``parts``, …), grain and fence."""
    return f"{staging_run(subject_id, run_id)}{kind}_{grain.value}_{fence}"


def fence_of(staging_name: str) -> int:
    """The fence in the name of a staging collection.

    Who drops staging drops that of lower fences only: what a run that wakes up late does not know, it leaves.
    """
    return int(staging_name.rpartition("_")[2])
