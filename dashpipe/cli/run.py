"""``dashpipe run SUBJECT``: all steps of a subject here, without Airflow, by the same code."""

from __future__ import annotations

import sys
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import click

from dashpipe.cli.common import (
    colored,
    find_subject,
    format_option,
    load_project,
    local_day,
    project_option,
)

if TYPE_CHECKING:
    from dashpipe.run.base import Request
    from dashpipe.spec.model import Subject

Document = dict[str, Any]


def _instant(_ctx: click.Context, _param: click.Parameter, value: str | None) -> datetime | None:
    """The instant of a text with its offset, ``2024-03-31T12:00:00+02:00`` or ``…Z``."""
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value[:-1] + "+00:00" if value.endswith("Z") else value)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        text = f"`{value}` is no instant: write it with its offset, 2024-03-31T12:00:00Z"
        raise click.BadParameter(text)
    return found.astimezone(timezone.utc)


@click.command()
@click.argument("subject")
@project_option
@click.option("--from", "start", metavar="DATE", callback=local_day, help="The first local day.")
@click.option("--to", "end", metavar="DATE", callback=local_day, help="The local day after the last one.")
@click.option("--date", "day", metavar="DATE", callback=local_day, help="One local day.")
@click.option(
    "--now", metavar="INSTANT", callback=_instant, help="Run as of this instant (default: the clock)."
)
@click.option("--allow-removal", is_flag=True, help="Let more rows vanish than target.max_removed allows.")
@click.option("--no-wait", is_flag=True, help="Give up (exit code 2) where another run is at work.")
@format_option("text", "json")
def command(
    subject: str,
    start: date | None,
    end: date | None,
    day: date | None,
    now: datetime | None,
    allow_removal: bool,
    no_wait: bool,
    format: str,
) -> int:
    """Run SUBJECT (its id or its file): extract, transform, validate, load, publish, clean up.

    Without dates it computes the scheduled window as of now, and catches up what is missing. Exit code 0:
    done; 1: a check failed, the target keeps its rows; 2: it could not run.
    """
    from dashpipe.cli.running import opened
    from dashpipe.run import run_all
    from dashpipe.run.errors import CheckFailed

    if day is not None:
        if start is not None or end is not None:
            raise click.UsageError("--date is one day; leave it out where --from and --to are given")
        start, end = day, day + timedelta(days=1)
    project = load_project()
    wanted = find_subject(project, subject)
    request = _request(wanted, start, end, now, allow_removal)
    with opened(project, _log) as setup:
        try:
            done = run_all(request, setup, wait=not no_wait)
        except CheckFailed as error:
            if format == "json":
                failed = {
                    "subject": wanted.id,
                    "run": request.run_id,
                    "failed": error.message,
                    "checks": error.results,
                }
                click.echo(_json(failed))
            click.echo(f"dashpipe: {error}", err=True)
            return 1
    click.echo(_json(done) if format == "json" else _text(done))
    return 0


def _request(
    subject: Subject, start: date | None, end: date | None, now: datetime | None, allow_removal: bool
) -> Request:
    from uuid import uuid4

    from dashpipe.run.base import Request

    run_id = f"command/{datetime.now(tz=timezone.utc):%Y%m%dT%H%M%SZ}-{uuid4().hex[:6]}"
    return Request(subject, run_id, start=start, end=end, now=now, allow_removal=allow_removal)


def _log(event: str, /, **fields: Any) -> None:
    from dashpipe.run.log import line

    fields.pop("level", None)
    text = line(event, fields)
    click.echo(click.style(text, dim=True) if sys.stderr.isatty() else text, err=True)


def _text(done: Document) -> str:
    steps = done["steps"]
    window = done["window"]
    title = click.style(done["subject"], bold=True) if colored() else done["subject"]
    lines = [
        f"{title}  {done['run']}",
        f"window  {window['start']} to {window['end']}, from {window['why']}",
        "",
    ]
    head = f"{'grain':<8} {'rows':>9} {'inserted':>9} {'changed':>9} {'same':>9} {'removed':>9}"
    lines.append(head)
    for grain, rows in steps["transform"]["rows"].items():
        counts = steps["load"]["counts"][grain]
        moved = " ".join(f"{counts[name]:>9,}" for name in ("inserted", "changed", "same", "removed"))
        lines.append(f"{grain:<8} {rows:>9,} {moved}")
    checks = steps["validate"]["checks"]
    lines += ["", "checks  " + (", ".join(f"{n} {status}" for status, n in checks.items() if n) or "none")]
    lines += [f"values  {text}" for text in _mistyped(steps)]
    lines += [
        f"warning lookup {name}: {one['warning']}"
        for name, one in steps["transform"].get("lookups", {}).items()
        if one.get("warning")
    ]
    lines += [f"warning {text}" for step in steps.values() for text in step.get("warnings", ())]
    if not any(
        counts[name]
        for counts in steps["load"]["counts"].values()
        for name in ("inserted", "changed", "removed")
    ):
        lines.append("nothing changed")
    return "\n".join(lines)


def _mistyped(steps: Document) -> list[str]:
    """What a reader should know of the values that were read, a line a source."""
    lines = []
    for task, receipt in steps.items():
        found = [one for one in receipt.get("values", ()) if one["mistyped"]]
        said = [
            f"{one['mistyped']:,} of {one['of']:,} `{one['field']}` are no {one['type']}"
            + (f" ({one['nan']:,} NaN or infinite)" if one["nan"] else "")
            for one in found
        ]
        if receipt.get("quarantined"):
            n = receipt["quarantined"]
            said.append("1 document is in quarantine" if n == 1 else f"{n:,} documents are in quarantine")
        if receipt.get("mended", {}).get("released"):
            said.append(f"{receipt['mended']['released']:,} came out of quarantine")
        if said:
            lines.append(f"{task.removeprefix('extract_')}: {', '.join(said)}")
    return lines


def _json(document: Document) -> str:
    import json

    from dashpipe.run.receipts import plain

    return json.dumps({"version": 1, **plain(document)}, indent=2, ensure_ascii=False)
