"""``dashpipe explain CODE``: what a finding means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dashpipe.cli.common import format_option

if TYPE_CHECKING:
    from dashpipe.lint.rule import Rule


@click.command()
@click.argument("code", metavar="[CODE]", required=False)
@format_option("text", "json")
def command(code: str | None, format: str) -> None:
    """Say what the finding CODE (or its name) means, with an example; without CODE, list all."""
    from dashpipe.lint.rules import catalogue

    rules = catalogue()
    if code is not None:
        rules = tuple(one for one in rules if code.upper() == one.code or code.lower() == one.name)
        if not rules:
            raise click.UsageError(f"there is no finding `{code}`; {_near(code)}")
    if format == "json":
        import json

        found = [_plain(one) for one in rules]
        document: object = found if code is None else found[0]
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    elif code is None:
        for one in rules:
            click.echo(f"{one.code}  {one.severity.value:<7}  {one.name:<28}  {one.what}")
    else:
        click.echo(text(rules[0]), nl=False)


def text(rule: Rule) -> str:
    """The page of a rule for a terminal."""
    from textwrap import fill, indent

    from dashpipe.lint.rule import FAMILIES

    fixable = "; `dashpipe lint --fix` repairs it" if rule.fixable else ""
    parts = [
        f"{rule.code} {rule.name} ({rule.severity.value}{fixable})",
        f"Family {rule.family}, {FAMILIES[rule.family]}.",
        fill(rule.what, 100),
        f"Why: {fill(rule.why, 95, subsequent_indent='     ')}",
    ]
    for title, example in (("Wrong", rule.bad), ("Right", rule.good)):
        if example:
            parts.append(f"{title}:\n\n" + indent(example.strip("\n"), "    "))
    return "\n\n".join(parts) + "\n"


def _plain(rule: Rule) -> dict[str, object]:
    return {
        "code": rule.code,
        "name": rule.name,
        "severity": rule.severity.value,
        "fixable": rule.fixable,
        "what": rule.what,
        "why": rule.why,
        "bad": rule.bad,
        "good": rule.good,
    }


def _near(code: str) -> str:
    """The codes of the same family, or the names nearest to what was written."""
    from difflib import get_close_matches

    from dashpipe.lint.rules import catalogue

    rules = catalogue()
    family = [one.code for one in rules if one.code[0] == code[:1].upper() and code[1:].isdigit()]
    if family:
        return f"of this family there are: {', '.join(family)}"
    near = get_close_matches(code.lower(), [one.name for one in rules], 3)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return "`dashpipe explain` lists all"
