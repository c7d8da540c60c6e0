"""Write ``docs/reference/`` from the code: keys, findings, expressions, commands. ``make docs`` calls it.

With ``--check`` nothing is written; the exit code is 1 where a page is not what the code says.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import click
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dashpipe.cli.commands import COMMANDS
from dashpipe.cli.shell import group
from dashpipe.expr.catalogue import catalogue as expressions
from dashpipe.lint.rule import FAMILIES
from dashpipe.lint.rules import catalogue
from dashpipe.spec.shape import json_schema, keys

HERE = Path(__file__).parent
REFERENCE = HERE / "reference"
SCHEMA = HERE.parent / "schemas" / "dashpipe-v1.schema.json"


def pages() -> dict[Path, str]:
    """Each generated file and its text."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 (Markdown comes out)
    )
    environment.filters["cell"] = _cell
    values: dict[str, dict[str, Any]] = {
        "findings": {"families": _families()},
        "keys": {"sections": _sections()},
        "commands": {"commands": _commands()},
        "expressions": {"entries": expressions()},
    }
    made = {
        REFERENCE / f"{name}.md": environment.get_template(f"{name}.md.j2").render(**one)
        for name, one in values.items()
    }
    made[SCHEMA] = _schema()
    return made


def _cell(text: str) -> str:
    """A text as the cell of a table."""
    return text.replace("|", "\\|").replace("\n", " ").strip()


def _families() -> list[dict[str, Any]]:
    """The findings, by family, in the order of their codes."""
    return [
        {"letter": letter, "title": title, "rules": [one for one in catalogue() if one.family == letter]}
        for letter, title in FAMILIES.items()
    ]


def _sections() -> list[dict[str, Any]]:
    """The keys, by file. What a source in a subject has as a model has it, stands once, at the model."""
    rows = keys()
    model = {one._replace(file="") for one in rows if one.file == "model"}

    def twice(path: str) -> bool:
        return path.startswith("sources[].")

    own = [
        one
        for one in rows
        if one.file == "subject"
        and not (twice(one.path) and one._replace(file="", path=one.path.removeprefix("sources[].")) in model)
    ]
    return [
        {"title": "Subjects", "name": "subject", "rows": own},
        {"title": "Models", "name": "model", "rows": [one for one in rows if one.file == "model"]},
        {
            "title": "Calendars",
            "name": "calendar",
            "rows": [one for one in rows if one.file == "calendar"],
        },
        {"title": "dashpipe.toml", "name": "dashpipe.toml", "rows": [one for one in rows if "." in one.file]},
    ]


def _commands() -> list[dict[str, str]]:
    """Each command and what its ``--help`` says, those of groups too."""
    context = click.Context(group, info_name="dashpipe", max_content_width=110, terminal_width=110)
    found = [{"name": "dashpipe", "help": group.get_help(context)}]
    for name in COMMANDS:
        command = group.get_command(context, name)
        assert command is not None
        found += _help(command, name, context)
    return found


def _help(command: click.Command, name: str, parent: click.Context) -> list[dict[str, str]]:
    context = click.Context(command, parent=parent, info_name=name, max_content_width=110, terminal_width=110)
    found = [{"name": context.command_path, "help": command.get_help(context)}]
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            child = command.get_command(context, below)
            assert child is not None
            found += _help(child, below, context)
    return found


def _schema() -> str:
    """The JSON Schema that is published, as `dashpipe schema` prints it."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Write the pages, or only look.

    Returns:
        0; with ``--check``, 1 where one is stale.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 where a page is stale")
    check = parser.parse_args(arguments).check
    stale = [path for path, text in pages().items() if not path.exists() or path.read_text("utf-8") != text]
    for path in stale:
        name = path.relative_to(HERE.parent)
        if check:
            print(f"{name} is not what the code says: run `make docs`", file=sys.stderr)  # noqa: T201
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(pages()[path], encoding="utf-8")
            print(f"written  {name}")  # noqa: T201
    return 1 if check and stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
