"""``dashpipe embedded start|stop|status``: a MongoDB-protocol server of one's own, for trying and testing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dashpipe.cli.common import SETTINGS, format_option, progress, project_option, project_root

if TYPE_CHECKING:
    from collections.abc import Callable

    from dashpipe.embedded import Server

#: Where the data are, below the project's root.
STORAGE = Path(".dashpipe") / "embedded"


@click.group()
@project_option
def command() -> None:
    """Start, stop or find the embedded MongoDB-protocol server of this project."""


def _storage_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--storage",
        metavar="DIR",
        type=click.Path(file_okay=False, path_type=Path),
        help=f"The folder of its data (default: {STORAGE} in the project, or here).",
    )(function)


@command.command()
@_storage_option
@click.option("--port", type=click.IntRange(1, 65535), help="Its port on 127.0.0.1 (default: a free one).")
@click.option(
    "--build", metavar="NAME", help="The build to take (default: the native one where there is one)."
)
@format_option("text", "json", "env")
def start(storage: Path | None, port: int | None, build: str | None, format: str) -> None:
    """Start the server, wait until it answers, and print its URI. It runs until `dashpipe embedded stop`.

    With --format env, print the connections instead: eval "$(dashpipe embedded start --format env)".
    """
    from dashpipe.embedded import EmbeddedError
    from dashpipe.embedded import start as start_server

    progress("starting the embedded server …")
    try:
        server = start_server(_storage(storage), port, build=build, detach=True)
    except EmbeddedError as error:
        raise click.ClickException(str(error)) from None
    _show(server, format)
    if format == "text":
        progress("for `dashpipe run`:")
        for line in _exports(server):
            progress(f"  {line}")


@command.command()
@_storage_option
def stop(storage: Path | None) -> None:
    """Stop the server. Its data stay; nothing happens where none runs."""
    server = _find(storage)
    if server is None:
        progress("no embedded server runs here")
        return
    server.stop()
    progress(f"stopped the embedded server that was at {server.uri}")


@command.command()
@_storage_option
@format_option("text", "json", "env")
def status(storage: Path | None, format: str) -> int:
    """Print the URI of the server that runs here; exit code 1 where none does."""
    server = _find(storage)
    if server is None:
        if format == "json":
            click.echo('{"running": false}')
        progress("no embedded server runs here; `dashpipe embedded start` starts one")
        return 1
    _show(server, format)
    return 0


def _show(server: Server, format: str) -> None:
    if format == "env":
        click.echo("\n".join(_exports(server)))
    elif format == "json":
        import json

        about = {
            "running": True,
            "uri": server.uri,
            "port": server.port,
            "pid": server.pid,
            "build": server.build,
        }
        click.echo(json.dumps(about | {"storage": str(server.storage)}, indent=2))
    else:
        click.echo(server.uri)


def _exports(server: Server) -> list[str]:
    """Shell commands that set the connections to two databases of the server."""
    return [
        f"export DASHPIPE_{name.upper()}_URI='{server.database_uri(name)}'" for name in ("source", "target")
    ]


def _find(storage: Path | None) -> Server | None:
    from dashpipe.embedded import find

    return find(_storage(storage))


def _storage(given: Path | None) -> Path:
    """The folder of the data: what was given, else one in the project, else one here."""
    if given is not None:
        return given
    try:
        return project_root() / STORAGE
    except click.UsageError:
        if (click.get_current_context().find_object(dict) or {}).get("project") is not None:
            raise
        progress(f"there is no {SETTINGS} here or above: the data go into {STORAGE} here")
        return Path.cwd() / STORAGE
