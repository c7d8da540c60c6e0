"""The manifest as it stands: read where it is up to date, compiled where specs beside it have changed."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dashpipe import __version__
from dashpipe.compile import store
from dashpipe.compile.entry import SETTINGS, Entry, digest, key
from dashpipe.compile.store import FOLDER, ManifestError, is_id

if TYPE_CHECKING:
    from dashpipe.compile.manifest import Manifest

_log = logging.getLogger("dashpipe")


def current(folder: Path) -> tuple[dict[str, Entry], list[str]]:
    """Every DAG's entry, by id, and what is wrong with the specs, a line each.

    Args:
        folder: The folder of the DAG files.

    Raises:
        ManifestError: There is no manifest that can be read, and no project to make one of.
    """
    place = folder / FOLDER
    unread: ManifestError | None = None
    try:
        index = store.read_index(place)
    except ManifestError as error:
        index, unread = None, error
    root = _root(folder)
    problems: list[str] = []
    if root is not None and _has_specs(root):
        try:
            manifest = _changed_to(root, place, index)
        except Exception as error:
            if index is None:
                raise
            _log.exception("the specs of %s could not be compiled", root)
            problems.append(
                "the specs could not be compiled, so the DAGs are as they were before: "
                f"{type(error).__name__}: {error}"
            )
        else:
            if manifest is not None:
                return dict(manifest.entries), [one["text"] for one in manifest.errors]
    if index is None:
        raise unread or ManifestError(
            f"there is no manifest in {place}; write it with `dashpipe compile`, "
            "or deploy dashpipe.toml and the specs"
        )
    entries: dict[str, Entry] = {}
    problems += [one["text"] for one in index["errors"]]
    for dag_id in index["entries"]:
        try:
            entry = store.read_entry(place, dag_id)
        except ManifestError as error:
            problems.append(str(error))
            continue
        if entry is None:
            problems.append(
                f"{place} lists {dag_id} and does not have it; write it again with `dashpipe compile`"
            )
        else:
            entries[dag_id] = entry
    return entries, problems


def one(folder: Path, dag_id: str) -> Entry | None:
    """The entry of one DAG, whatever the number of others; ``None`` where there is no such subject.

    A worker never writes. Where the specs lie beside the DAG files and have changed since, as in a folder
    that the processor cannot write to, it compiles them for itself.

    Args:
        folder: The folder of the DAG files.
        dag_id: Its id.
    """
    if not is_id(dag_id):
        return None
    place = folder / FOLDER
    try:
        entry = store.read_entry(place, dag_id)
    except ManifestError as error:
        _log.warning("%s", error)
        entry = None
    root = _root(folder)
    if root is None or (not _changed(root, entry) if entry is not None else not _has_specs(root)):
        return entry
    from dashpipe.compile.hashes import hashes

    try:
        return _compiled(root, place, hashes(root)).entries.get(dag_id, entry)
    except Exception:  # noqa: BLE001 (a mistake of ours in another spec must not stop this one)
        _log.exception("the specs of %s could not be compiled", root)
        return entry


def root(folder: Path) -> Path:
    """The folder that a project's files lie in: that of its settings, else the folder of the DAG files."""
    return _root(folder) or folder


def _root(folder: Path) -> Path | None:
    """The nearest folder upwards with settings; ``None`` where only the DAG files are deployed."""
    return next((here for here in (folder, *folder.parents) if (here / SETTINGS).is_file()), None)


def _has_specs(root: Path) -> bool:
    from dashpipe.spec.toml import load_config

    config, _ = load_config(root / SETTINGS)
    return (root / config.metrics).is_dir()


def _changed(root: Path, entry: Entry) -> bool:
    """Whether a file that an entry was made from holds something else now.

    Where the spec is not there at all, specs are not deployed, or it was retired under a run in flight.
    """
    if not (root / entry["file"]).is_file():
        return False
    return any(_hash(root / name) != was for name, was in entry["inputs"].items())


def _hash(path: Path) -> str:
    try:
        return digest(path.read_bytes())
    except OSError:
        return ""


def _changed_to(root: Path, place: Path, index: dict[str, Any] | None) -> Manifest | None:
    """The manifest of the specs, written where it can be; ``None`` where that of the index is up to date."""
    from dashpipe.compile.hashes import hashes

    found = hashes(root)
    if index is not None and index["key"] == key(found):
        return None
    # What another version of dashpipe made is made anew.
    manifest = _compiled(root, place, found, reuse=index is not None and index["dashpipe"] == __version__)
    _write(place, manifest)
    return manifest


def _compiled(root: Path, place: Path, found: dict[str, str], *, reuse: bool = False) -> Manifest:
    from dashpipe.compile.project import compile_project
    from dashpipe.spec.project import load

    manifest, _ = compile_project(load(root), found, store.read(place), reuse)
    return manifest


def _write(place: Path, manifest: Manifest) -> None:
    """Keep what was compiled, where the folder can be written: it is read in a thousandth of the time."""
    try:
        done = store.write(place, manifest)
    except OSError as error:
        _log.info(
            "the manifest in %s stays as it is (%s); the specs are compiled at each parse",
            place,
            error.strerror,
        )
    else:
        _log.info("manifest: %d written, %d removed", len(done.written), len(done.removed))
