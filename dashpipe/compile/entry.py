"""The form of the manifest's files: what its readers must know. Light: Airflow imports it at every parse."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from dashpipe import __version__

#: Grows when entries change their meaning; another version is not read.
VERSION = 1
INDEX = "index.json"

#: The file whose folder is a project's root (``dashpipe.spec.project`` says so too, and is not as light).
SETTINGS = "dashpipe.toml"

Entry = dict[str, Any]


def file_name(dag_id: str) -> str:
    """The name of an entry's file: the worker opens it without the index."""
    return f"{dag_id}.json"


def to_text(value: Mapping[str, Any]) -> str:
    """Stable JSON: sorted keys, one value a line, so that two manifests can be compared in a review."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1) + "\n"


def digest(text: str | bytes) -> str:
    """The SHA-256 of a file's content."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()


def key(hashes: Mapping[str, str]) -> str:
    """The hash of all files, by name and content, and of the dashpipe that reads them."""
    return digest(json.dumps([__version__, VERSION, sorted(hashes.items())]))
