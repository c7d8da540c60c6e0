"""``dashpipe show SUBJECT``: what a subject becomes, level by level."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import click

from dashpipe.cli.common import find_subject, format_option, load_project, local_day, project_option

if TYPE_CHECKING:
    from dashpipe.compile.describe import Days
    from dashpipe.compile.plan import Plan
    from dashpipe.run.explain import Explained
    from dashpipe.spec.project import Project


@click.command()
@click.argument("subject")
@click.option(
    "--without", "off", metavar="PASS", multiple=True, help="Leave a pass out (may be given again)."
)
@click.option("--sql", "as_sql", is_flag=True, help="Print the rows of each grain as a query instead.")
@click.option("--explain", is_flag=True, help="Ask the servers too which index serves each source.")
@click.option(
    "--from", "start", callback=local_day, metavar="DATE", help="Of the partitions from this local day on."
)
@click.option(
    "--to", "end", callback=local_day, metavar="DATE", help="And before this one (default: one day)."
)
@format_option("text", "json")
@project_option
def command(
    subject: str,
    off: tuple[str, ...],
    as_sql: bool,
    explain: bool,
    start: date | None,
    end: date | None,
    format: str,
) -> int:
    """Show the plan of SUBJECT (its id or its file), what each pass did, the stages, and index advice.

    Stages and queries are shown for the first partition of each grain, or for those that the days from --from
    to --to touch; those of a run differ in the literal bounds only. --sql prints the same rows as SQL that
    DuckDB runs, for readers who know no stages; what it cannot say stands in its comments. --explain asks the
    servers which index serves the filter of each source and how many documents it reads, beside what the spec
    advises; they look at the documents of these partitions for it.
    """
    from dashpipe.compile import PASSES, compile_subject

    unknown = sorted(set(off) - set(PASSES))
    if unknown:
        raise click.UsageError(f"there is no pass `{unknown[0]}`; there are {', '.join(PASSES)}")
    if end is not None and (start is None or end <= start):
        raise click.UsageError("--to is a day after --from")
    if as_sql and explain:
        raise click.UsageError("--explain is of the stages, and --sql shows none")
    project = load_project()
    plan = compile_subject(find_subject(project, subject), off)
    days = None if start is None else (start, end or start + timedelta(days=1))
    if as_sql:
        from dashpipe.cli import show_sql

        click.echo(show_sql.as_json(plan, days) if format == "json" else show_sql.as_text(plan, days))
        return 0
    from dashpipe.cli import show_stages

    asked = _asked(project, plan, days) if explain else None
    shown = show_stages.as_json if format == "json" else show_stages.as_text
    click.echo(shown(plan, days, asked))
    return 0


def _asked(project: Project, plan: Plan, days: Days | None) -> list[Explained]:
    from dashpipe.cli.running import opened
    from dashpipe.compile import describe
    from dashpipe.run.explain import explained
    from dashpipe.run.log import silent

    labels = {grain: describe.labels(plan, grain, days) for grain in plan.grains}
    with opened(project, silent) as setup:
        return list(explained(plan, setup, labels))
