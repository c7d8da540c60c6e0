"""Small projects written into a folder, for tests of resolving."""

from __future__ import annotations

from pathlib import Path

from dashpipe.spec.model import Metric, Subject
from dashpipe.spec.project import Project, load

SETTINGS = """
[defaults]
project = "shop"
timezone = "Europe/Berlin"
start = "2024-01-01"
owner = "shop-team"
lookback_days = 5
"""

ORDERS = """
dashpipe: 1
model: orders
collection: {env: SHOP_ORDERS, default: orders}
time: paid_at
where: status = 'paid'
fields: {total: number, country: string, status: string}
dimensions: [country]
metrics:
  - {name: orders, type: count}
  - {name: revenue, type: sum, expr: total}
  - {name: basket, type: ratio, numerator: revenue, denominator: orders}
  - {name: half, type: derived, expr: basket / 2}
"""

VISITS = """
dashpipe: 1
model: visits
collection: visits
connection: web
time: at
fields: {land: string, spent: number}
dimensions: [{name: country, expr: land}]
metrics:
  - {name: visits, type: count}
  - {name: revenue, type: sum, expr: spent}
  - {name: per_visit, type: derived, expr: revenue / visits}
"""


def project(folder: Path, files: dict[str, str], settings: str = SETTINGS) -> Project:
    """The project of these files, besides the models ``orders`` and ``visits``."""
    texts = {
        "dashpipe.toml": settings,
        "metrics/models/orders.yml": ORDERS,
        "metrics/models/visits.yml": VISITS,
        **files,
    }
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return load(folder)


def subject(folder: Path, text: str, settings: str = SETTINGS) -> Subject:
    """The one subject of a text, which must be sound."""
    read = project(folder, {"metrics/sales/daily.yml": f"dashpipe: 1\nsubject: daily\n{text}"}, settings)
    assert [one for file in read.files for one in file.findings] == []
    assert read.resolved().findings == ()
    (found,) = read.resolved().subjects
    return found


def metric(subject: Subject, name: str) -> Metric:
    """A metric of a subject by its name."""
    return next(one for one in subject.metrics if one.name == name)
