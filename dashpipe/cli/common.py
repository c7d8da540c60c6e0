"""What commands share: the project, the subject that an argument names, formats, and where output goes.

Results go to standard output, progress to standard error. A command returns its exit code (``None`` is 0),
and raises ``click.ClickException`` for what a person can mend (exit code 2).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
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


def progress(text: str) -> None:
    """Say on standard error what is going on."""
    click.echo(text, err=True)


def colored() -> bool:
    """Whether standard output takes colour: a terminal, unless NO_COLOR is set; FORCE_COLOR overrides."""
    if os.environ.get("FORCE_COLOR"):
        return True
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
