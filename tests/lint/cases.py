"""Cases of wrong specs: small edits over the project in ``base/``, the expected places marked in the text.

A case of ``wrong/<family>.yml``:

- ``file``: the file that is edited (default: the subject).
- ``edit``: top-level keys that replace those of the file, or stand after it. ``drop``: those to take out.
- ``text``: the whole file instead. ``files``: further files.
- ``expect``: the findings in order, each ``CODE: message`` with ``help``; ``at`` is which marked place
  it has (default: the next), ``file`` whose text has it (default: the edited one).

A place is marked «so» in the text; the marks are not part of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dashpipe.spec.diagnostic import Span

HERE = Path(__file__).parent
BASE = HERE / "base"
SUBJECT = "metrics/shop/daily.yml"


@dataclass(frozen=True)
class Case:
    """One wrong project: its files, the marked places, and the findings to expect."""

    id: str
    file: str
    files: dict[str, str]
    places: list[tuple[str, Span]]
    expect: list[dict[str, Any]]


def load(path: Path) -> list[Case]:
    """The cases of a file."""
    entries = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
    return [build(one, path.stem) for one in entries]


def build(entry: dict[str, Any], family: str = "") -> Case:
    """A case from its entry."""
    file = entry.get("file", SUBJECT)
    files = base_files()
    files.update(entry.get("files", {}))
    if "text" in entry:
        files[file] = entry["text"]
    else:
        files[file] = edited(files[file], entry.get("edit", ""), entry.get("drop", ()))
    places: list[tuple[str, Span]] = []
    for name in sorted(files):
        files[name], found = unmarked(files[name])
        places += [(name, span) for span in found]
    return Case(f"{family}-{entry['id']}", file, files, places, entry.get("expect", []))


def base_files() -> dict[str, str]:
    """The files of the sound project that every case starts from."""
    found = {}
    for path in sorted(BASE.rglob("*")):
        if path.is_file():
            found[path.relative_to(BASE).as_posix()] = path.read_text(encoding="utf-8")
    return found


def edited(text: str, edit: str, drop: list[str] | tuple[str, ...] = ()) -> str:
    """A file's text with some of its top-level keys replaced, added or taken out."""
    blocks = _blocks(text)
    for key in drop:
        del blocks[key]
    for key, block in _blocks(edit).items():
        blocks[key] = block
    return "".join(blocks.values())


def _blocks(text: str) -> dict[str, str]:
    """The text of each top-level key with the lines below it; what is of no key goes with the one above."""
    blocks: dict[str, str] = {}
    key = ""
    for line in text.splitlines(keepends=True):
        match = re.match(r"«?([A-Za-z_-]+)»?«?:", line)
        if match is not None:
            key = match[1]
            while key in blocks:
                key += "'"
        blocks[key] = blocks.get(key, "") + line
    return blocks


def unmarked(text: str) -> tuple[str, list[Span]]:
    """The text without its marks, and the places that they marked."""
    spans: list[Span] = []
    line = column = 1
    start: tuple[int, int] | None = None
    out = []
    for one in text:
        if one == "«":
            start = (line, column)
            continue
        if one == "»":
            assert start is not None
            spans.append(Span(*start, line, column))
            continue
        out.append(one)
        line, column = (line + 1, 1) if one == "\n" else (line, column + 1)
    return "".join(out), spans


def write(files: dict[str, str], folder: Path) -> None:
    """Write a project's files into a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
