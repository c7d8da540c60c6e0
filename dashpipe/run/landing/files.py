"""The files of a source: found, held against what ``[allow] files`` names, opened, decompressed."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from dashpipe.run.errors import Refused, RunError
from dashpipe.spec.allow import allowing, folder

if TYPE_CHECKING:
    from dashpipe.run.base import Setup

_CHUNK = 1024 * 1024


class Found(NamedTuple):
    """A file: its name (a path as the spec writes it, or a URL), where it is, and what tells its content."""

    name: str
    place: Path | None
    content: str


def find(path: str, setup: Setup, last: bool = False) -> list[Found]:
    """The files that a spec's path names, by name; or only the last of them.

    Raises:
        Refused: One is not allowed.
        RunError: There is none.
    """
    named = dict(_remote(path, setup) if "://" in path else _local(path, setup))
    if not named:
        raise RunError(
            f"there is no file {path}",
            "the last good rows stay; see whether it was delivered, and `file.path`",
            retry=True,
        )
    names = sorted(named)
    return [named[one]() for one in (names[-1:] if last else names)]


@contextmanager
def opened(found: Found, seekable: bool) -> Iterator[BinaryIO]:
    """The decompressed bytes of a file, which must stay as it is while it is read.

    Raises:
        RunError: It changed, or cannot be read or decompressed.
    """
    with ExitStack() as stack, _speaking(found.name):
        if found.place is None:
            raw = stack.enter_context(_fetched(found.name))
            before = None
        else:
            raw = stack.enter_context(found.place.open("rb"))
            before = _stamp(raw)
            if _content(raw) != found.content:
                raise _changed(found.name)
        yield _decompressed(raw, found.name, stack, seekable)
        if before is not None and _stamp(raw) != before:
            raise _changed(found.name)


def _local(path: str, setup: Setup) -> Iterator[tuple[str, Callable[[], Found]]]:
    root = setup.root.resolve()
    _allowed(path, setup)
    for name in glob(path, root_dir=root, recursive=True):  # noqa: PTH207 (a path may be absolute)
        place = (root / name).resolve()
        pattern = _allowed(name, setup)
        homes = [(root / folder(pattern)).resolve(), *(() if pattern.startswith("/") else (root,))]
        if not all(place.is_relative_to(one) for one in homes):
            raise Refused(
                f"{name} is a link to a place that dashpipe.toml does not allow",
                f"put the file itself below {folder(pattern)}",
            )
        if place.is_dir():
            continue
        if not place.is_file():
            raise Refused(f"{name} is no regular file", "name a file")
        yield name, partial(_hashed, name, place)


def _hashed(name: str, place: Path) -> Found:
    with _speaking(name), place.open("rb") as raw:
        return Found(name, place, _content(raw))


def _remote(path: str, setup: Setup) -> Iterator[tuple[str, Callable[[], Found]]]:
    _allowed(path, setup)
    with _speaking(path):
        system, inner = _system(path)
        names = system.glob(inner) if any(one in inner for one in "*?[") else [inner]
        # Some file systems leave the host out of their paths: what the spec says before the path stays.
        tail = inner.lstrip("/")
        head = path[: len(path) - len(tail)] if path.endswith(tail) else f"{path.partition('://')[0]}://"
        for one in names:
            name = head + str(one).lstrip("/")
            _allowed(name, setup)
            if system.isfile(one):
                yield name, partial(_marked, name, system, one)


def _marked(name: str, system: Any, path: str) -> Found:
    with _speaking(name):
        return Found(name, None, str(system.ukey(path)))


def _allowed(name: str, setup: Setup) -> str:
    """The pattern that allows a file.

    Raises:
        Refused: None does.
    """
    pattern = allowing(setup.allow_files, name)
    if pattern is None:
        raise Refused(
            f"dashpipe.toml does not allow the file {name}", f'add "{name}" to `files` under `[allow]`'
        )
    return pattern


def _system(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the path in it.

    Raises:
        Refused: What reads it is not installed.
    """
    try:
        import fsspec
    except ImportError:
        raise Refused(f"{url} needs fsspec", "install dashpipe[files]") from None
    try:
        system, inner = fsspec.core.url_to_fs(url, use_listings_cache=False)
    except ImportError as error:
        raise Refused(f"{url} cannot be read: {error}", "install what it names beside dashpipe") from None
    except ValueError as error:
        raise Refused(f"{url} cannot be read: {error}", "write a scheme that fsspec knows") from None
    return system, inner


@contextmanager
def _fetched(name: str) -> Iterator[BinaryIO]:
    """A copy of a remote file, on disk while it is read: it is read twice, and must be the same."""
    system, inner = _system(name)
    with tempfile.TemporaryFile() as copy:
        with system.open(inner, "rb") as remote:
            shutil.copyfileobj(remote, copy, _CHUNK)
        copy.seek(0)
        yield copy


def _decompressed(raw: BinaryIO, name: str, stack: ExitStack, seekable: bool) -> BinaryIO:
    kind = Path(name).suffix.lower()
    stream: Any = raw
    if kind == ".gz":
        stream = stack.enter_context(gzip.open(raw))  # noqa: SIM115 (the stack is one)
    elif kind == ".bz2":
        stream = stack.enter_context(bz2.open(raw))  # noqa: SIM115 (the stack is one)
    elif kind == ".xz":
        stream = stack.enter_context(lzma.open(raw))  # noqa: SIM115 (the stack is one)
    elif kind == ".zst":
        stream = stack.enter_context(_zstandard(raw, name))
    if seekable and stream is not raw:
        copy = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 (as above)
        shutil.copyfileobj(stream, copy, _CHUNK)
        copy.seek(0)
        stream = copy
    made: BinaryIO = stream
    return made


def _zstandard(raw: BinaryIO, name: str) -> Any:
    try:
        import zstandard
    except ImportError:
        raise Refused(f"{name} is compressed by zstd", "install dashpipe[files]") from None
    from io import BufferedReader

    return BufferedReader(zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True))


@contextmanager
def _speaking(name: str) -> Iterator[None]:
    """Turn what goes wrong with a file into our errors."""
    try:
        yield
    except FileNotFoundError as error:
        raise RunError(f"there is no file {name}", "the last good rows stay", retry=True) from error
    except PermissionError as error:
        raise Refused(f"{name} may not be read", "give the worker the right to read it") from error
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise _broken(name, error) from error
    except OSError as error:
        raise RunError(f"{name} cannot be read: {error}", "the last good rows stay", retry=True) from error
    except Exception as error:
        if type(error).__name__ != "ZstdError":
            raise
        raise _broken(name, error) from error


def _broken(name: str, error: Exception) -> RunError:
    why = str(error) or "it ends too early"
    return RunError(f"{name} cannot be decompressed: {why}", "deliver it whole", retry=True)


def _changed(name: str) -> RunError:
    return RunError(f"{name} changed while it was read", "the next try reads it anew", retry=True)


def _content(raw: BinaryIO) -> str:
    """A hash of a file's bytes, which is left at its begin."""
    found = hashlib.sha256()
    while chunk := raw.read(_CHUNK):
        found.update(chunk)
    raw.seek(0)
    return found.hexdigest()


def _stamp(raw: BinaryIO) -> tuple[int, int]:
    about = os.fstat(raw.fileno())
    return about.st_size, about.st_mtime_ns
