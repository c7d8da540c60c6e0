"""``dashpipe init``: a first project that passes its own lint."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from pathlib import Path

import click

#: What is written, and the template it is made from.
FILES = {
    "dashpipe.toml": "dashpipe.toml.j2",
    "metrics/shop/models/orders.yml": "model.yml.j2",
    "metrics/shop/daily.yml": "subject.yml.j2",
    "dags/generate.py": "generate.py.j2",
    "dags/_spec_errors.py": "_spec_errors.py.j2",
    ".pre-commit-config.yaml": "pre-commit-config.yaml.j2",
    ".github/workflows/metrics.yml": "ci.yml.j2",
    ".env.example": "env.example.j2",
    ".gitignore": "gitignore.j2",
}
SCHEMA = "schemas/dashpipe-v1.schema.json"


@click.command()
@click.argument("directory", metavar="[DIR]", default=".", type=click.Path(file_okay=False, path_type=Path))
@click.option("--name", metavar="NAME", help="The project's name (default: the folder's).")
@click.option(
    "--timezone",
    "zone",
    metavar="ZONE",
    default="UTC",
    show_default=True,
    help="The IANA time zone of a day.",
)
@click.option(
    "--owner", metavar="OWNER", default="data-team", show_default=True, help="Who answers for the metrics."
)
def command(directory: Path, name: str | None, zone: str, owner: str) -> int:
    """Write a first project into DIR (default: here). A file that is there already stays as it is."""
    from dashpipe.lint.rules.t003_unknown_timezone import known

    if not known(zone):
        raise click.UsageError(f"there is no time zone `{zone}`: write an IANA name, such as Europe/London")
    values = {
        "project": name or _identifier(directory.resolve().name),
        "timezone": zone,
        "owner": owner,
        "start": f"{datetime.now(tz=timezone.utc).year - 1}-01-01",
    }
    for path, text in texts(values).items():
        place = directory / path
        if place.exists() or place.is_symlink():
            click.echo(f"kept     {path} (it was there)")
            continue
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
        except OSError as error:
            raise click.ClickException(f"{place} cannot be written: {error.strerror}") from None
        click.echo(f"written  {path}")
    click.echo("next: `dashpipe lint`, then edit metrics/shop/ to say what your data are", err=True)
    return 0


def texts(values: dict[str, str]) -> dict[str, str]:
    """The files of a new project, by their path in it.

    Args:
        values: What the templates fill in: project, timezone, owner, start.
    """
    import json

    from jinja2 import Environment, PackageLoader, StrictUndefined

    from dashpipe import __version__
    from dashpipe.spec.shape import json_schema

    environment = Environment(
        loader=PackageLoader("dashpipe.cli", "templates"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 (YAML, TOML and Python come out, no HTML)
    )
    files = {
        path: environment.get_template(template).render(version=__version__, **values)
        for path, template in FILES.items()
    }
    files[SCHEMA] = json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    return files


def _identifier(text: str) -> str:
    """A folder's name as a legal project name."""
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return name if re.match(r"[a-z]", name) else "shop"
