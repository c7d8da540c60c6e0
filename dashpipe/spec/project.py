"""A project: its settings, every spec file, and the subjects that follow from them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from dashpipe.spec.diagnostic import Diagnostic, Severity, Span
from dashpipe.spec.node import Map, Node, at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.spec.model import Origin, Subject
    from dashpipe.spec.toml import Config

#: The file whose folder is a project's root.
SETTINGS = "dashpipe.toml"

#: Keys of a subject that the settings may give for all.
_DEFAULTS = frozenset(
    ("project", "domain", "timezone", "week_start", "owner", "start", "lookback_days", "catch_up_days")
)

_START = Span(1, 1, 1, 1)


class SourceFile(NamedTuple):
    """A spec file: its name in the project, its text, its nodes (``None``: unreadable), what is wrong."""

    path: str
    text: str
    node: Node | None
    findings: tuple[Diagnostic, ...]

    @property
    def folder(self) -> str:
        """The name of the folder that it lies in, the default domain."""
        parts = self.path.split("/")
        return parts[-2] if len(parts) > 1 else ""

    def span(self, path: tuple[str | int, ...], on_key: bool = False) -> Span:
        """The place of a key path; what stands nowhere in the file is at its name, ``subject:`` for one."""
        if self.node is None:
            return _START
        if isinstance(self.node, Map) and (not path or self.node.get(str(path[0])) is None):
            for name in ("subject", "model", "calendar"):
                named = self.node.get(name)
                if named is not None:
                    return named.span
            return self.node.entries[0].key.span if self.node.entries else _START
        return at(self.node, path, on_key)


class Resolved(NamedTuple):
    """The subjects of a project.

    Attributes:
        subjects: Those without an error in reading, shape or names.
        findings: What is wrong with names (family N). Findings of reading and shape are the files' own.
        every: All subjects as far as they could be built, for rules that look at the rest of a broken one.
        models: Each model that could be built, as a subject that takes all of it.
    """

    subjects: tuple[Subject, ...]
    findings: tuple[Diagnostic, ...]
    every: tuple[Subject, ...]
    models: tuple[Subject, ...]


class Project:
    """A project as it was read; ``load`` makes one. Nothing of it changes any more."""

    def __init__(
        self, root: Path, config: Config, files: tuple[SourceFile, ...], findings: tuple[Diagnostic, ...]
    ) -> None:
        """A project of these parts; ``findings`` are those of the settings and of the folder."""
        self.root = root
        self.config = config
        self.files = files
        self.findings = findings
        self.by_path = {one.path: one for one in files}
        self._resolved: Resolved | None = None
        self._settings: SourceFile | None = None

    def resolved(self) -> Resolved:
        """The subjects with all names resolved; worked out once."""
        if self._resolved is None:
            from dashpipe.spec.assemble import assemble

            self._resolved = assemble(self)
        return self._resolved

    def placed(self, origin: Origin) -> Origin:
        """Where a value really stands: a default of the settings stands in ``dashpipe.toml``."""
        key = str(origin.path[0]) if origin.path else ""
        file = self.by_path.get(origin.file)
        if (
            key not in _DEFAULTS
            or file is None
            or not isinstance(file.node, Map)
            or file.node.get(key) is not None
        ):
            return origin
        return (
            origin._replace(file=SETTINGS, path=("defaults", key))
            if getattr(self.config.defaults, key)
            else origin
        )

    def span(self, origin: Origin, on_key: bool = False) -> Span:
        """The place of an origin in its file."""
        file = self.settings() if origin.file == SETTINGS else self.by_path.get(origin.file)
        return _START if file is None else file.span(origin.path, on_key)

    def settings(self) -> SourceFile:
        """The file of the settings, for the places of what they say; read when a finding needs it."""
        if self._settings is None:
            self._settings = _settings(self.root)
        return self._settings


def load(root: Path) -> Project:
    """Read a project's settings and all of its spec files.

    Args:
        root: The folder of ``dashpipe.toml``.

    Returns:
        The project. A file that cannot be read is one with a finding, and hides no other.
    """
    from dashpipe.spec.reader import LARGEST, decode, read
    from dashpipe.spec.shape import check
    from dashpipe.spec.toml import load_config

    config, findings = load_config(root / SETTINGS)
    files: list[SourceFile] = []
    problems = list(findings)
    for path, problem in walk(root, config.metrics):
        if problem is not None:
            problems.append(_not_read(path, problem))
            continue
        try:
            with (root / path).open("rb") as stream:
                data = stream.read(LARGEST + 1)
        except OSError as error:
            problems.append(_not_read(path, f"this file cannot be read: {error.strerror}"))
            continue
        text, wrong = decode(data, path)
        if text is None:
            files.append(SourceFile(path, data.decode("latin-1"), None, wrong))
            continue
        found = read(text, path)
        shape = () if found.node is None else check(found.node, path)
        if any(one.code == "Y013" for one in found.findings):
            shape = tuple(one for one in shape if one.code != "S102")  # the second one may have it
        files.append(SourceFile(path, text, found.node, (*found.findings, *shape)))
    return Project(root, config, tuple(files), tuple(problems))


def walk(root: Path, folder: str) -> Iterator[tuple[str, str | None]]:
    """The spec files below a folder of the project, sorted, each as its name in the project.

    Links are followed only within the project. The second value says why a file is not read.
    """
    base = root / folder
    within = str(root.resolve())
    if not base.is_dir():
        yield folder, f"there is no folder `{folder}`"
        return
    seen: set[str] = set()
    found: list[tuple[str, str | None]] = []
    stack = [str(base)]
    while stack:
        here = stack.pop()
        real = os.path.realpath(here)
        if real in seen:
            continue
        seen.add(real)
        name = os.path.relpath(here, root).replace(os.sep, "/")
        if real != within and not real.startswith(within + os.sep):
            found.append((name, "this leads out of the project, and is not read"))
            continue
        try:
            with os.scandir(here) as listed:
                inside = sorted(listed, key=lambda one: one.name)
        except OSError as error:
            found.append((name, f"this folder cannot be read: {error.strerror}"))
            continue
        for one in inside:
            if one.name.startswith("."):
                continue
            path = f"{name}/{one.name}" if name != "." else one.name
            if one.is_dir():
                stack.append(one.path)
            elif one.name.endswith((".yml", ".yaml")):
                outside = one.is_symlink() and not os.path.realpath(one.path).startswith(within + os.sep)
                found.append((path, "this leads out of the project, and is not read" if outside else None))
    yield from sorted(found)


def _settings(root: Path) -> SourceFile:
    from dashpipe.spec.toml import parse
    from dashpipe.spec.toml_places import tree

    try:
        text = (root / SETTINGS).read_text(encoding="utf-8-sig")
        return SourceFile(SETTINGS, text, tree(text, parse(text)), ())
    except (OSError, ValueError):
        return SourceFile(SETTINGS, "", None, ())


def _not_read(path: str, message: str) -> Diagnostic:
    help = "mend the link or the rights, or move the file out of the folder of specs"
    return Diagnostic("L004", "file-not-read", Severity.ERROR, message, path, _START, help=help)
