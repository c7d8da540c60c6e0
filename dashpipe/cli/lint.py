"""``dashpipe lint``: all that is wrong with the specs."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dashpipe.cli.common import colored, format_option, load_project, progress, project_option
from dashpipe.lint.render import FORMATS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dashpipe.spec.diagnostic import Diagnostic
    from dashpipe.spec.project import Project

#: Rounds of fixing: one that overlaps another waits for the next.
ROUNDS = 10


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]…", type=click.Path(path_type=Path))
@project_option
@format_option(*FORMATS)
@click.option("--strict", is_flag=True, help="Exit with 1 on warnings too.")
@click.option("--fix", is_flag=True, help="Repair what can be repaired safely; comments stay.")
@click.option(
    "--baseline",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Leave out the warnings that this file names.",
)
@click.option(
    "--write-baseline", is_flag=True, help="Write the warnings that there are now into --baseline FILE."
)
def command(
    paths: tuple[Path, ...], format: str, strict: bool, fix: bool, baseline: Path | None, write_baseline: bool
) -> int:
    """Say all that is wrong with the specs, where, and what to write instead.

    The whole project is always read. PATHs select what is reported: a finding is shown if it, or a place
    that it speaks of, lies in one of them. Exit code 0: no errors; 1: errors; 2: lint itself could not do
    its work.
    """
    from dashpipe.lint import broke, lint
    from dashpipe.lint.render import renderer

    if write_baseline and baseline is None:
        raise click.UsageError("--write-baseline needs --baseline FILE: where to write it")
    # Specs are trees: what a garbage collector would look for is not there, and it looks for long.
    gc.disable()
    project = load_project()
    findings = lint(project)
    if fix:
        project, findings = _fixed(project, findings)
    if write_baseline and baseline is not None:
        from dashpipe.lint.baseline import write

        progress(f"wrote {write(baseline, findings)} warnings into {baseline}")
    broken = broke(findings)
    if baseline is not None:
        findings = _less(findings, baseline)
    shown = selected(findings, project.root, paths)
    texts = {one.path: one.text for one in project.files}
    output = renderer(format)(shown, texts, colored())
    if output:
        click.echo(output, nl=False, color=colored())
    if format == "github":
        _step_summary(shown)
    if broken:
        return 2
    return 1 if any(strict or one.severity.value == "error" for one in shown) else 0


def selected(findings: Sequence[Diagnostic], root: Path, paths: Sequence[Path]) -> list[Diagnostic]:
    """The findings that lie in one of the paths, or speak of a place there; all without paths.

    Raises:
        click.UsageError: A path is not there, or outside the project.
    """
    if not paths:
        return list(findings)
    wanted: list[str] = []
    for path in paths:
        if not path.exists():
            raise click.UsageError(f"there is no file or folder {path}")
        real = path.resolve()
        if not real.is_relative_to(root.resolve()):
            raise click.UsageError(f"{path} is not in the project {root}")
        wanted.append(real.relative_to(root.resolve()).as_posix())

    def within(file: str) -> bool:
        return any(one in (".", file) or file.startswith(f"{one}/") for one in wanted)

    return [one for one in findings if within(one.file) or any(within(other.file) for other in one.related)]


def _fixed(project: Project, findings: list[Diagnostic]) -> tuple[Project, list[Diagnostic]]:
    """The project after its fixes, and what is left to say about it."""
    from dashpipe.lint import lint
    from dashpipe.lint.fix import apply, fixes_by_file

    made = 0
    for _ in range(ROUNDS):
        fixes = fixes_by_file(findings)
        if not fixes:
            break
        for file, several in fixes.items():
            place = project.root / file
            # Not the text as it was read: line ends and a byte order mark stay as they are.
            text = place.read_bytes().decode("utf-8")
            mark = "\ufeff" if text.startswith("\ufeff") else ""
            new, number = apply(text.removeprefix(mark), several)
            try:
                place.write_bytes((mark + new).encode())
            except OSError as error:
                raise click.ClickException(f"{file} cannot be written: {error.strerror}") from None
            made += number
        project = load_project()
        findings = lint(project)
    progress(f"repaired {made}" if made else "there is nothing that --fix repairs")
    return project, findings


def _less(findings: list[Diagnostic], baseline: Path) -> list[Diagnostic]:
    from dashpipe.lint.baseline import BaselineError, apply, read

    try:
        stay, gone = apply(findings, read(baseline))
    except BaselineError as error:
        raise click.ClickException(str(error)) from None
    if gone:
        progress(f"{gone} warnings of {baseline} are gone: --write-baseline takes them out")
    return stay


def _step_summary(findings: Sequence[Diagnostic]) -> None:
    """Write the whole list where GitHub shows it: beside the lines it shows ten of each kind."""
    place = os.environ.get("GITHUB_STEP_SUMMARY")
    if not place:
        return
    from dashpipe.lint.render.github import step_summary

    try:
        with Path(place).open("a", encoding="utf-8") as stream:
            stream.write(step_summary(findings))
    except OSError as error:
        progress(f"the step's summary cannot be written: {error.strerror}")
