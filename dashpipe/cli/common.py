"""What commands share: the project, the subject that an argument names, formats, and where output goes.

Results go to standard output, progress to standard error. A command returns its exit code (``None`` is 0),
and raises ``click.ClickException`` for what a person can mend (exit code 2).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from dashpipe.spec.diagnostic import Diagnostic
    from dashpipe.spec.model import Subject
    from dashpipe.spec.project import Project

F = TypeVar("F", bound=Callable[..., Any])

SETTINGS = "dashpipe.toml"


def format_option(*formats: str) -> Callable[[F], F]:
    """The option ``--format``; the first format is the default."""
    return click.option("--format", type=click.Choice(formats), default=formats[0], show_default=True)


def project_option(function: F) -> F:
    """The option ``--project`` of a command: the same as the one before the command's name."""

    def keep(ctx: click.Context, _parameter: click.Parameter, value: str | None) -> None:
        if value is not None:
            ctx.ensure_object(dict)["project"] = value

    option = click.option(
        "--project", metavar="DIR", callback=keep, expose_value=False, help="The folder of dashpipe.toml."
    )
    return option(function)


def project_root() -> Path:
    """The project's root: ``--project``, else the nearest folder upwards that has a ``dashpipe.toml``.

    Raises:
        click.UsageError: There is none; says how to make one.
    """
    context = click.get_current_context(silent=True)
    given = (context.find_object(dict) or {}).get("project") if context is not None else None
    if given is not None:
        if not (Path(given) / SETTINGS).is_file():
            raise click.UsageError(f"there is no {SETTINGS} in {given}; `dashpipe init {given}` writes one")
        return Path(given).resolve()
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / SETTINGS).is_file():
            return folder
    raise click.UsageError(
        f"there is no {SETTINGS} here or above; change to your project, name it with --project DIR, "
        "or write a first one with `dashpipe init`"
    )


def load_project() -> Project:
    """Read the project's settings and every spec file (see ``project_root``)."""
    from dashpipe.spec.project import load

    return load(project_root())


def local_day(_ctx: click.Context, _param: click.Parameter, value: str | None) -> date | None:
    """The local date of an option's text, ``YYYY-MM-DD``."""
    try:
        return None if value is None else date.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(f"`{value}` is no date: write YYYY-MM-DD, such as 2024-03-31") from None


def find_subject(project: Project, text: str) -> Subject:
    """The subject that an argument names, by its id or its file, fit to be compiled and run.

    Args:
        project: The project.
        text: ``cv_dash_teacher_v1``, or the path of its file, from here or from the project's root.

    Raises:
        click.UsageError: There is no such subject; says which is near.
        click.ClickException: The subject or the project's settings have errors; shows them.
    """
    from dashpipe.lint import lint, refused

    wrong = [one for one in project.findings if one.file == SETTINGS and one.severity.value == "error"]
    if wrong:
        raise _refusal(SETTINGS, wrong)
    every = project.resolved().every
    file = _spec_file(project, text)
    found = [one for one in every if (one.id == text if file is None else one.origin.file == file)]
    if file is not None and not found:
        errors = [one for one in project.by_path[file].findings if one.severity.value == "error"]
        if errors:
            raise _refusal(file, errors)
        raise click.UsageError(f"{file} is a model; name a subject that takes it")
    if not found:
        raise click.UsageError(f"there is no subject `{text}`; {_near(text, [one.id for one in every])}")
    errors = refused(found, lint(project)).get(found[0].id, [])
    if errors:
        raise _refusal(found[0].id, errors)
    return found[0]


def _spec_file(project: Project, text: str) -> str | None:
    """The name in the project of the spec file that a text names, ``None`` where it names none."""
    if text in project.by_path:
        return text
    place, root = Path(text).resolve(), project.root.resolve()
    name = place.relative_to(root).as_posix() if place.is_relative_to(root) else ""
    if name in project.by_path:
        return name
    if text.endswith((".yml", ".yaml")):
        why = "it is not among the project's specs" if place.is_file() else "there is no such file"
        raise click.UsageError(f"{text}: {why}; specs lie under {project.config.metrics}/ in {project.root}")
    return None


def _near(text: str, ids: list[str]) -> str:
    from dashpipe.expr.errors import nearest

    # Without the version, or by its own name alone, a subject is named by people more often than misspelt.
    same = [one for one in ids if f"_{text}_v" in f"_{one}"]
    if same:
        return f"did you mean {' or '.join(same[:3])}?"
    near = nearest(text, ids)
    if near is not None:
        return f"did you mean {near}?"
    return f"there are: {', '.join(sorted(ids)[:20])}" if ids else "the project has none"


def _refusal(what: str, errors: Iterable[Diagnostic]) -> click.ClickException:
    from dashpipe.lint.render.concise import line

    listed = "\n".join(f"  {line(one)}" for one in errors)
    return click.ClickException(f"{what} has errors, mend them first:\n{listed}")


def progress(text: str) -> None:
    """Say on standard error what is going on."""
    click.echo(text, err=True)


def colored() -> bool:
    """Whether standard output takes colour: a terminal, unless NO_COLOR is set; FORCE_COLOR overrides."""
    if os.environ.get("FORCE_COLOR"):
        return True
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
