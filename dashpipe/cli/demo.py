"""``dashpipe demo``: load the example data and run all of it, through Airflow, on an embedded server."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dashpipe.cli.common import project_option, project_root

if TYPE_CHECKING:
    from rich.console import Console

    from dashpipe.demo import Progress

#: The folder of the server's data, below the project's root.
STORAGE = Path(".dashpipe") / "demo"


@click.command()
@project_option
@click.option(
    "--end",
    metavar="DATE",
    default="today",
    show_default=True,
    help="Where the learning platform's data end: a date (its midnight in UTC), or today (now).",
)
@click.option("--keep", is_flag=True, help="Leave the server running afterwards.")
@click.option(
    "--build", metavar="NAME", help="The embedded server's build (default: the native one if here)."
)
def command(end: str, keep: bool, build: str | None) -> int:
    """Load example data, publish the dashboards of metrics/ through Airflow, twice, and show the numbers."""
    from rich.console import Console

    from dashpipe.cli.demo_show import next_steps, show
    from dashpipe.demo import DemoError
    from dashpipe.demo.play import Demo, play
    from dashpipe.embedded import EmbeddedError, start

    root, until = project_root(), _instant(end)
    console = Console() if sys.stdout.isatty() else Console(width=100)
    tell = _Rich(Console(stderr=True)) if sys.stderr.isatty() else _Plain()
    try:
        with tell.busy("starting the embedded server"):
            server = start(root / STORAGE, build=build, detach=keep)
        tell.say(f"the embedded server {server.build} answers at {server.uri}")
        done = False
        try:
            demo = Demo(root, server, until)
            played = play(demo, tell)
            show(console, demo, played)
            done = True
        finally:
            if not (keep and done):
                server.stop()
    except (DemoError, EmbeddedError) as error:
        raise click.ClickException(f"the demo cannot go on: {error}") from None
    next_steps(console, demo, keep=keep)
    if not all(one.again.quiet for one in played):
        click.echo("the second run changed rows: that should never be; please report it", err=True)
        return 1
    return 0


def _instant(end: str) -> datetime:
    """What ``--end`` says, as an instant."""
    if end == "today":
        return datetime.now(tz=timezone.utc).replace(microsecond=0)
    try:
        return datetime.strptime(end, "%Y-%m-%d").replace(tzinfo=timezone.utc)
    except ValueError:
        raise click.BadParameter(
            f"`{end}` is no date: write one as 2026-06-01, or today", param_hint="--end"
        ) from None


class _Plain:
    """Lines on standard error, for a log."""

    def say(self, text: str) -> None:
        click.echo(text, err=True)

    @contextlib.contextmanager
    def progress(self, what: str) -> Iterator[Progress]:
        click.echo(f"{what} …", err=True)
        yield lambda _done, _total: None

    @contextlib.contextmanager
    def busy(self, what: str) -> Iterator[None]:
        click.echo(f"{what} …", err=True)
        yield


class _Rich:
    """Bars and spinners on a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def say(self, text: str) -> None:
        from rich.markup import escape

        self._console.print(f"[green]✓[/green] {escape(text)}", highlight=False)

    @contextlib.contextmanager
    def progress(self, what: str) -> Iterator[Progress]:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bars

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Bars(*columns, console=self._console, transient=True) as shown:
            task = shown.add_task(what, total=None)
            yield lambda done, total: shown.update(task, completed=done, total=total)

    @contextlib.contextmanager
    def busy(self, what: str) -> Iterator[None]:
        with self._console.status(what):
            yield
