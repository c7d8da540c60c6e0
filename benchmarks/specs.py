"""Projects of many subjects, written into a folder."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).parent.parent

SETTINGS = """\
metrics = "metrics"

[defaults]
project = "bench"
domain = "shop"
timezone = "Europe/London"
start = "2024-01-01"
owner = "bench"
"""

#: Of the usual length: what an analyst writes for a dashboard.
SUBJECT = """\
dashpipe: 1
subject: orders_{number:05d}
description: One row per country and local day, for dashboard {number}.
schedule: "{minute} {hour} * * *"
lookback_days: 3
tags: [bench]

sources:
  - name: orders
    collection: orders_{number:05d}
    time: created_at
    where: status <> 'cancelled'
    fields:
      status: string
      country: string
      total: number
      items: integer
      customer_id: string
    dimensions:
      - {{name: country, expr: country, description: Where to.}}

dimensions: [country]
grains: [day, month]

metrics:
  - {{name: orders, type: count, source: orders, description: Orders.}}
  - {{name: revenue, type: sum, source: orders, expr: total, unit: GBP}}
  - {{name: items, type: sum, source: orders, expr: items}}
  - {{name: customers, type: count_distinct, source: orders, expr: customer_id}}
  - {{name: large, type: count, source: orders, where: total >= 100 AND items > 1}}
  - {{name: large_rate, type: ratio, numerator: large, denominator: orders}}
  - {{name: per_customer, type: derived, expr: revenue / customers}}

target:
  collection: dash_orders_{number:05d}
  queries:
    - {{equal: [country], range: partition_date}}

checks:
  - {{id: not-empty, type: row_count, fail: {{below: 1}}}}
  - {{id: rate-in-range, type: range, metric: large_rate, fail: {{below: 0, above: 1}}}}
"""


def project(folder: Path, subjects: int, dags: bool = False) -> Path:
    """Write a project of so many subjects into a folder, which is emptied first.

    Args:
        folder: Where to.
        subjects: How many.
        dags: Whether ``dags/`` comes along.
    """
    shutil.rmtree(folder, ignore_errors=True)
    metrics = folder / "metrics" / "shop"
    metrics.mkdir(parents=True)
    (folder / "dashpipe.toml").write_text(SETTINGS, encoding="utf-8")
    for number in range(subjects):
        text = SUBJECT.format(number=number, minute=number % 60, hour=number % 24)
        (metrics / f"orders_{number:05d}.yml").write_text(text, encoding="utf-8")
    if dags:
        (folder / "dags").mkdir()
        for name in ("generate.py", "_spec_errors.py"):
            shutil.copy(ROOT / "dags" / name, folder / "dags" / name)
    return folder
