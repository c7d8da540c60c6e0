"""Small projects for tests of the manifest and of Airflow: one model, subjects over it, settings."""

from __future__ import annotations

from pathlib import Path

SETTINGS = """\
metrics = "metrics"

[defaults]
project = "acme"
domain = "shop"
timezone = "Europe/London"
start = "2024-01-01"
owner = "shop-team"

[allow]
env = ["SHOP_*"]
"""

MODEL = """\
dashpipe: 1
model: {name}
description: One paid order.
collection: {name}
time: paid_at
fields:
  total: number
  country: string
dimensions:
  - {{name: country, expr: country}}
metrics:
  - {{name: {name}_count, type: count, description: Paid orders.}}
  - {{name: {name}_revenue, type: sum, expr: total, unit: EUR, description: What was paid.}}
"""

SUBJECT = """\
dashpipe: 1
subject: {name}
description: Orders by country.
schedule: {schedule}
lookback_days: 3
sources: [{model}]
dimensions: [country]
grains: [day]
metrics: [{model}_count, {model}_revenue]
target:
  collection: dash_{name}
checks:
  - {{id: not-empty, type: row_count, fail: {{below: 1}}}}
"""


def model(name: str = "orders") -> str:
    """The text of a model's file."""
    return MODEL.format(name=name)


def subject(name: str, more: str = "", model: str = "orders", schedule: str = '"15 3 * * *"') -> str:
    """The text of a subject's file; ``more`` are further keys."""
    return SUBJECT.format(name=name, model=model, schedule=schedule) + more


def write(root: Path, files: dict[str, str]) -> None:
    """Write files of a project; an empty text removes one."""
    for name, text in files.items():
        path = root / name
        if text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        else:
            path.unlink()


def project(root: Path, *names: str) -> Path:
    """A project of these subjects over one model."""
    write(
        root,
        {
            "dashpipe.toml": SETTINGS,
            "metrics/shop/models/orders.yml": model(),
            **{f"metrics/shop/{name}.yml": subject(name) for name in names},
        },
    )
    return root
