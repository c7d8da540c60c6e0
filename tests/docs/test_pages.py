"""What the pages name is there: commands with their options, files behind links, variables, collections."""

from __future__ import annotations

import re
import shlex

import click
import pytest

from dashpipe.cli.shell import group
from tests.docs.fences import PAGES, ROOT, all_fences

#: A call of dashpipe in the middle of a sentence.
_INLINE = re.compile(r"`dashpipe ([a-z][^`]*)`")
#: A call on a line of a shell example.
_LINE = re.compile(r"^dashpipe ([a-z][^#\n]*)", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def calls():
    """Every call of dashpipe on the pages: the words behind its name."""
    texts = [text for page in PAGES for text in _INLINE.findall(page.read_text(encoding="utf-8"))]
    texts += [text for one in all_fences("sh", "") for text in _LINE.findall(one.text)]
    return [shlex.split(text) for text in sorted({text.strip() for text in texts})]


def resolve(words):
    """The command that words name, and the words that are left for it."""
    context = click.Context(group, info_name="dashpipe")
    command: click.Command = group
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        name, *words = words
        child = command.get_command(context, name)
        assert child is not None, f"there is no command {name}"
        command = child
    return command, words


@pytest.mark.parametrize("words", calls(), ids=" ".join)
def test_commands_of_the_pages_exist(words):
    """Each call of dashpipe on a page has a command, and its options and arguments are taken."""
    command, rest = resolve(words)
    if isinstance(command, click.Group):
        return
    if not rest and any(isinstance(one, click.Argument) and one.required for one in command.params):
        rest = ["SUBJECT"]  # the page speaks of the command by its name alone
    words = ["2024-01-01" if one == "…" else one for one in rest]
    command.make_context(command.name, words, parent=click.Context(group, info_name="dashpipe"))


@pytest.mark.parametrize("page", PAGES, ids=lambda one: one.name)
def test_links_lead_somewhere(page):
    """A link to a file of the repository leads to one."""
    links = [one for one in _LINK.findall(page.read_text(encoding="utf-8")) if "://" not in one]
    assert [one for one in links if not (page.parent / one).exists()] == []


def test_targets_of_make_exist():
    """Each `make …` of the pages is a target of the Makefile, and in its help."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = set()
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        named |= set(re.findall(r"`make ([a-z]+)", text)) | set(
            re.findall(r"^make ([a-z]+)", text, re.MULTILINE)
        )
    assert {"demo", "test"} <= named <= targets


def test_readme_is_short():
    """README can be read at once."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 90


def test_shell_examples_name_programs_that_are_there():
    """A line of a shell example calls dashpipe, make, pip, docker or a script of the repository."""
    lines = [line for one in all_fences("sh", "") for line in one.text.splitlines()]
    commands = {line.split()[0] for line in lines if line.strip() and not line.lstrip().startswith("#")}
    known = {"dashpipe", "make", "pip", "docker", ".ci/run"}
    assert {one for one in commands if not re.match(r"[A-Z_]+=|#|metrics/", one)} <= known
