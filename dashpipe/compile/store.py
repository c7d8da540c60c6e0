"""The manifest's folder: read one entry or all, and write what changed, each file whole or not at all."""

from __future__ import annotations

import json
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dashpipe.compile.entry import INDEX, VERSION, Entry, file_name

if TYPE_CHECKING:
    from dashpipe.compile.manifest import Manifest

#: The folder beside the DAG files.
FOLDER = "_manifest"

_ID = re.compile(r"[a-z][a-z0-9_]*_v[1-9][0-9]*")


class ManifestError(Exception):
    """A manifest that cannot be read; says what to do."""


@dataclass(frozen=True, slots=True)
class Written:
    """Names of the files that were written, left as they were, and removed."""

    written: tuple[str, ...]
    kept: tuple[str, ...]
    removed: tuple[str, ...]

    @property
    def changed(self) -> bool:
        """Whether the folder holds something else now."""
        return bool(self.written or self.removed)


def is_id(text: str) -> bool:
    """Whether a text can be the id of a subject's DAG, and so the name of its file."""
    return _ID.fullmatch(text) is not None


def read_entry(folder: Path, dag_id: str) -> Entry | None:
    """The entry of a DAG, opened by its name alone; ``None`` where there is none.

    Raises:
        ManifestError: It is there and cannot be read.
    """
    return _read(folder / file_name(dag_id)) if is_id(dag_id) else None


def read_index(folder: Path) -> dict[str, Any] | None:
    """The index; ``None`` where there is none.

    Raises:
        ManifestError: It is there and cannot be read.
    """
    return _read(folder / INDEX)


def read(folder: Path) -> dict[str, Entry]:
    """Every entry that can be read: where the last good plans are. One that cannot be counts as not there."""
    entries = {}
    for path in sorted(folder.glob("*.json")):
        try:
            entry = _read(path) if path.name != INDEX else None
        except ManifestError:
            continue
        if entry is not None and entry.get("dag_id") == path.stem:
            entries[path.stem] = entry
    return entries


def _read(path: Path) -> dict[str, Any] | None:
    try:
        value = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ManifestError(
            f"{path} cannot be read ({error}); write it again with `dashpipe compile`"
        ) from None
    if not isinstance(value, dict) or value.get("version") != VERSION:
        raise ManifestError(
            f"{path} is of another version of dashpipe; write it again with `dashpipe compile`, "
            "by the version that runs here"
        )
    return value


def compare(folder: Path, manifest: Manifest) -> Written:
    """What ``write`` would do."""
    kept = tuple(name for name, text in manifest.texts.items() if _same(folder / name, text))
    stale = sorted(path.name for path in folder.glob("*.json") if path.name not in manifest.texts)
    return Written(tuple(name for name in manifest.texts if name not in kept), kept, tuple(stale))


def _same(path: Path, text: str) -> bool:
    try:
        return path.read_bytes() == text.encode()
    except OSError:
        return False


def write(folder: Path, manifest: Manifest) -> Written:
    """Write what changed, the index last, and remove the entries of retired subjects.

    Raises:
        OSError: The folder cannot be written.
    """
    todo = compare(folder, manifest)
    if not todo.changed:
        return todo
    folder.mkdir(parents=True, exist_ok=True)
    for name in todo.written:  # the index is the last of them
        _replace(folder / name, manifest.texts[name])
    for name in todo.removed:
        (folder / name).unlink(missing_ok=True)
    return todo


def _replace(path: Path, text: str) -> None:
    """Put a file in its place in one step: who reads meanwhile sees the old one or the new one."""
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
