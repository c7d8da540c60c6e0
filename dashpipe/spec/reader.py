"""From a file's bytes to its tree of values with places.

YAML 1.2 core, and of it what a spec needs: nothing is constructed but text, numbers, booleans and null.
Tags, anchors, aliases and merge keys are refused, and size, depth and number of values are capped, so that no
file takes more than a moment.
"""

from __future__ import annotations

from typing import NamedTuple

from yaml import YAMLError

from dashpipe.spec.characters import bad_character, not_utf8
from dashpipe.spec.codes import finding
from dashpipe.spec.diagnostic import Diagnostic, Span
from dashpipe.spec.node import Node
from dashpipe.spec.tree import StopError, Tree

#: The largest file, in bytes (and in code points).
LARGEST = 1_000_000


class Read(NamedTuple):
    """A file as read. ``node`` is ``None`` where its text cannot be read as YAML at all."""

    node: Node | None
    findings: tuple[Diagnostic, ...]


def decode(data: bytes, file: str) -> tuple[str | None, tuple[Diagnostic, ...]]:
    """A file's text from its bytes: UTF-8, with or without a byte order mark.

    Returns:
        The text, or ``None`` and the finding that says why there is none.
    """
    if len(data) > LARGEST:
        return None, (_too_large(file, f"more than {LARGEST:,} bytes"),)
    try:
        return data.decode("utf-8-sig"), ()
    except UnicodeDecodeError as error:
        return None, (not_utf8(data, error, file),)


def read(text: str, file: str) -> Read:
    """Read a file's text.

    Args:
        text: The whole text, without a byte order mark.
        file: Its name, as findings show it.

    Returns:
        The tree and the findings, in the order of the file. Where a value is wrong in itself, the tree holds
        an empty scalar in its place (`node.nothing`), which later checks pass over: one finding a mistake.
    """
    if len(text) > LARGEST:
        return Read(None, (_too_large(file, f"more than {LARGEST:,} characters"),))
    bad = bad_character(text, file)
    if bad is not None:
        return Read(None, (bad,))
    tree = Tree(text, file)
    node: Node | None = None
    try:
        node = tree.document()
    except YAMLError as error:
        from dashpipe.spec.yaml_hints import explain

        last = explain(text, file, error, tree.last)
        tree.findings = _with(tree.findings, last)
    except StopError:
        pass  # the finding that says why is there
    return Read(node, tuple(sorted(tree.findings, key=lambda one: one.sort_key)))


def _with(found: list[Diagnostic], last: Diagnostic) -> list[Diagnostic]:
    """The findings with that of the syntax, where it is no second one of the same mistake."""
    if any(one.code == "Y007" and last.span.line - one.span.line in (0, 1) for one in found):
        return found  # `-name: x` is a key of its own, and the next key does not line up with it
    return [*(one for one in found if (one.code, one.span.line) != (last.code, last.span.line)), last]


def _too_large(file: str, size: str) -> Diagnostic:
    return finding("Y018", f"this file has {size}", file, Span(1, 1, 1, 1), "split it into several files")
