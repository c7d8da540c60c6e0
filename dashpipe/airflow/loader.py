"""What the two files in ``dags/`` call: the DAGs of a folder, and all that is wrong with its specs.

An exception in a DAG file hides every DAG of it, at import or after. So nothing is raised for a spec: a DAG
is handed over only when Airflow will take it, and a second file, which holds no DAG, tells what is wrong.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from dashpipe.airflow import _compat
from dashpipe.airflow.current import current, one
from dashpipe.airflow.factory import build

if TYPE_CHECKING:
    from dashpipe.airflow._compat import DAG
    from dashpipe.compile.entry import Entry

_log = logging.getLogger("dashpipe")


class SpecErrors(Exception):
    """All that is wrong with the specs; only Airflow's list of import errors ever shows it."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The DAGs that Airflow will take, by id, and what is wrong, a text each."""

    dags: dict[str, DAG]
    problems: tuple[str, ...]


def dags(file: str) -> dict[str, DAG]:
    """The DAGs of a folder: the one that Airflow asks for, else all. Never raises.

    Args:
        file: The DAG file; the manifest lies beside it.
    """
    wanted = _compat.get_parsing_context().dag_id
    try:
        if wanted is not None:
            entry = one(Path(file).parent, wanted)
            return {} if entry is None else {wanted: build(entry, file)}
        return load(file).dags
    except Exception:  # noqa: BLE001 (whatever it is, raising it here would hide every DAG; `raise_errors` raises it)
        _log.exception("the DAGs of %s could not be made", file)
        return {}


def raise_errors(file: str) -> None:
    """Say all that is wrong with the specs of a folder, in one exception.

    Args:
        file: The DAG file; the manifest lies beside it.

    Raises:
        SpecErrors: Something is.
    """
    if _compat.get_parsing_context().dag_id is not None:
        return  # a worker asks for one DAG, which is not in this file
    problems = load(file).problems
    if problems:
        raise SpecErrors(
            "\n".join(("dashpipe: these specs are broken; all other DAGs run on", "", *problems))
        )


def load(file: str) -> Loaded:
    """Build every DAG of a folder as Airflow will take it.

    Args:
        file: The DAG file; the manifest lies beside it.

    Raises:
        ManifestError: There is no manifest, and no project to make one of.
    """
    began = perf_counter()
    with _without_gc():
        loaded = _load(file)
    _log.info("%d DAGs from %s in %.0f ms", len(loaded.dags), file, (perf_counter() - began) * 1000)
    return loaded


def _load(file: str) -> Loaded:
    made: dict[str, DAG] = {}
    entries, problems = current(Path(file).parent)
    policies = _compat.has_policies()
    for dag_id, entry in entries.items():
        try:
            made[dag_id] = _checked(entry, file, policies)
        except Exception as error:  # noqa: BLE001 (a policy may raise anything, and must not hide other DAGs)
            if not _compat.is_skipped(error):
                problems.append(f"{entry['file']}: {dag_id} is refused: {type(error).__name__}: {error}")
    return Loaded(made, tuple(problems))


def _checked(entry: Entry, file: str, policies: bool) -> DAG:
    """A DAG that passes what Airflow asks of it after the import."""
    dag = build(entry, file)
    dag.validate()  # type: ignore[no-untyped-call]  # Airflow leaves it untyped
    dag.check_cycle()
    if policies:
        # On a copy: Airflow applies them again, and they may change what they look at.
        _compat.apply_policies(build(entry, file))
    return dag


@contextmanager
def _without_gc() -> Iterator[None]:
    """Thousands of objects, none of them in a cycle that could go: to collect between them is for nothing.

    It would take a quarter of the time.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
