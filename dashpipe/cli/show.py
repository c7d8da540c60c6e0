"""``dashpipe show SUBJECT``: what a subject becomes, level by level."""

from __future__ import annotations

import json

import click

from dashpipe.cli.common import find_subject, format_option, load_project, project_option
from dashpipe.compile.plan import Plan


@click.command()
@click.argument("subject")
@click.option(
    "--without", "off", metavar="PASS", multiple=True, help="Leave a pass out (may be given again)."
)
@format_option("text", "json")
@project_option
def command(subject: str, off: tuple[str, ...], format: str) -> int:
    """Show the plan of SUBJECT (its id or its file), what each pass did, the stages, and index advice.

    Stages are shown for the first partition of each grain; those of a run differ in the literal bounds only.
    """
    from dashpipe.compile import PASSES, compile_subject

    unknown = sorted(set(off) - set(PASSES))
    if unknown:
        raise click.UsageError(f"there is no pass `{unknown[0]}`; there are {', '.join(PASSES)}")
    plan = compile_subject(find_subject(load_project(), subject), off)
    click.echo(_json(plan) if format == "json" else _text(plan))
    return 0


def _text(plan: Plan) -> str:
    from dashpipe.compile import describe

    lines = [plan.subject.id, "=" * len(plan.subject.id), "", "Plan", "----", *describe.plan_lines(plan)]
    lines += ["Passes", "------", *describe.pass_lines(plan), ""]
    lines += ["Stages", "------"]
    for grain in plan.grains:
        for title, where, stages in describe.stages_of(plan, grain, describe.sample_labels(plan, grain)):
            lines += [f"{title}, on {where}:", describe.stages_text(stages), ""]
    lines += ["Indexes", "-------", *describe.index_lines(plan)]
    return "\n".join(lines)


def _json(plan: Plan) -> str:
    from dashpipe.compile import canonical, describe

    document = {
        "version": 1,
        "subject": plan.subject.id,
        "plan": [line for line in describe.plan_lines(plan) if line],
        "passes": [{"pass": one.step, "applied": one.applied, "text": one.text} for one in plan.notes],
        "stages": [
            {"title": title, "collection": where, "stages": json.loads(canonical.to_text(stages))}
            for grain in plan.grains
            for title, where, stages in describe.stages_of(plan, grain, describe.sample_labels(plan, grain))
        ],
        "indexes": list(describe.index_lines(plan)),
    }
    return json.dumps(document, indent=2, ensure_ascii=False)
