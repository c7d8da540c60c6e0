"""``dashpipe doctor``: what stands between the project and its runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dashpipe.cli.common import colored, find_subject, format_option, load_project, progress, project_option

if TYPE_CHECKING:
    from dashpipe.run.doctor import Verdict

_COLORS = {"ok": "green", "warning": "yellow", "failure": "red"}


@click.command()
@project_option
@click.argument("subject", required=False)
@format_option("text", "json")
def command(subject: str | None, format: str) -> int:
    """Check connections, rights, indexes, variables, files, endpoints, and what the servers can do.

    With SUBJECT (its id or its file) only what its runs need. Writes nothing but a scratch collection that
    is dropped at once. Exit code 1 where something fails.
    """
    from dashpipe.cli.running import opened
    from dashpipe.run.doctor import FAILURE, examine
    from dashpipe.run.log import silent

    project = load_project()
    subjects = project.resolved().subjects if subject is None else (find_subject(project, subject),)
    if not subjects:
        progress("no subject can be looked at; `dashpipe lint` says why")
        return 1
    found: list[Verdict] = []
    with opened(project, silent) as setup:
        for one in examine(subjects, setup):
            found.append(one)
            if format == "text":
                click.echo(_line(one))
    if format == "json":
        click.echo(_json(found))
    return 1 if any(one.level == FAILURE for one in found) else 0


def _line(one: Verdict) -> str:
    level = click.style(f"{one.level:<7}", fg=_COLORS[one.level]) if colored() else f"{one.level:<7}"
    remedy = f"\n         {one.help}" if one.help else ""
    return f"{level}  {one.about}: {one.said}{remedy}"


def _json(found: list[Verdict]) -> str:
    import json
    from dataclasses import asdict

    return json.dumps(
        {"version": 1, "verdicts": [asdict(one) for one in found]}, indent=2, ensure_ascii=False
    )
