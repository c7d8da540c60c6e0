"""What the commands that reach a database share: where it happens, and how a refusal is said."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from dashpipe.run.base import Setup
    from dashpipe.run.log import Log
    from dashpipe.spec.project import Project


def environment(project: Project) -> Mapping[str, str]:
    """The environment, over what ``.env`` in the project's folder says."""
    from dotenv import dotenv_values

    stored = dotenv_values(project.root / ".env", interpolate=False)
    return {**{name: value for name, value in stored.items() if value is not None}, **os.environ}


@contextmanager
def opened(project: Project, log: Log) -> Iterator[Setup]:
    """Where runs of this project happen; its connections are closed at the end.

    Raises:
        click.ClickException: What a run refuses, in its words.
    """
    from dashpipe.run.base import Setup
    from dashpipe.run.connections import Connections, from_environment
    from dashpipe.run.errors import RunError
    from dashpipe.run.settings import batch_size

    environ = environment(project)
    connections = Connections(from_environment(environ), how="write it into .env")
    try:
        allow = project.config.allow
        yield Setup(
            connections,
            environ,
            allow.env,
            log,
            batch_size(environ),
            allow_files=allow.files,
            allow_hosts=allow.hosts,
            root=project.root,
        )
    except RunError as error:
        raise click.ClickException(str(error)) from None
    finally:
        connections.close()
