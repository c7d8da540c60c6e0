"""``dashpipe compile``: write the manifest that Airflow builds the DAGs from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dashpipe.cli.common import format_option, load_project, project_option, project_root
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from dashpipe.compile.manifest import Manifest
    from dashpipe.compile.store import Written
    from dashpipe.spec.diagnostic import Diagnostic


@click.command()
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder to write into (default: dags/_manifest of the project).",
)
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if the manifest is not up to date.")
@project_option
@format_option("text", "json")
def command(out: Path | None, check: bool, format: str) -> int:
    """Compile every spec into the manifest: an index and one JSON file a DAG.

    A broken spec keeps its last good plan, or becomes a stub that says what is wrong. Exit 1 if there is one.
    """
    from dashpipe.compile import store
    from dashpipe.compile.hashes import hashes
    from dashpipe.compile.project import compile_project
    from dashpipe.compile.schema import disagreements

    root = project_root()
    folder = out or root / "dags" / store.FOLDER
    found = hashes(root)
    project = load_project()
    manifest, findings = compile_project(project, found, store.read(folder))
    findings += disagreements(project, findings)
    try:
        done = store.compare(folder, manifest) if check else store.write(folder, manifest)
    except OSError as error:
        raise click.ClickException(f"{folder} cannot be written: {error.strerror}") from None
    if format == "json":
        click.echo(_json(manifest, findings, done))
    else:
        _say(manifest, findings, done, check)
    broken = any(one.severity is Severity.ERROR for one in findings)
    return 1 if broken or (check and done.changed) else 0


def _json(manifest: Manifest, findings: Sequence[Diagnostic], done: Written) -> str:
    from dashpipe.lint.render.json import as_json

    document = {
        "version": 1,
        "subjects": {name: entry["state"] for name, entry in sorted(manifest.entries.items())},
        "written": list(done.written),
        "kept": list(done.kept),
        "removed": list(done.removed),
        "findings": [as_json(one) for one in findings],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _say(manifest: Manifest, findings: Sequence[Diagnostic], done: Written, check: bool) -> None:
    from dashpipe.lint.render.concise import line

    words = ("would write", "would remove") if check else ("written", "removed")
    for word, names in zip(words, (done.written, done.removed)):
        for name in names:
            click.echo(f"{word}  {name}")
    for dag_id, entry in sorted(manifest.entries.items()):
        if entry["state"] == "last_good":
            click.echo(f"broken   {dag_id} ({entry['file']}): runs its last good plan")
        elif entry["state"] == "stub":
            click.echo(f"broken   {dag_id} ({entry['file']}): its tasks fail until it is mended")
    for one in findings:
        if one.severity is Severity.ERROR:
            click.echo(line(one), err=True)
    counts = [(len(manifest.entries), "subject"), (len(done.kept), "unchanged file")]
    click.echo(", ".join(f"{n} {what}{'' if n == 1 else 's'}" for n, what in counts), err=True)
