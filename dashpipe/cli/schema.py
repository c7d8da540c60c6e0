"""``dashpipe schema``: the JSON Schema of the specs."""

from __future__ import annotations

import click


@click.command()
def command() -> None:
    """Print the JSON Schema (draft-07) of spec files: for editors, and for checks in other tools."""
    import json

    from dashpipe.spec.shape import json_schema

    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
