"""Names that follow from a spec: collections and ids."""

from __future__ import annotations

from dashpipe.spec.model import Grain, Subject


def collection_name(base: str, grain: Grain, version: int) -> str:
    """The collection of one grain: the day has the target's own name, the others add theirs.

    Args:
        base: The target's collection, as the spec or the environment gives it.
        grain: The grain of its rows.
        version: The subject's version; above 1 it stands before the grain.
    """
    major = f"_v{version}" if version > 1 else ""
    return f"{base}{major}" if grain is Grain.DAY else f"{base}{major}_{grain.value}"


def base_id(subject: Subject) -> str:
    """The id of all versions of a subject, as ``after:`` names it: ``cv_dash_teacher``."""
    return f"{subject.project}_{subject.domain}_{subject.name}"
