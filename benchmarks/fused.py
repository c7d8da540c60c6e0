"""20 metrics of one subject, computed in one scan, against 20 subjects of one metric each: whole runs."""

from __future__ import annotations

from benchmarks.database import Bench, bench, fill
from benchmarks.harness import Measure, Result, inside, paired
from dashpipe.spec.model import Subject

SOURCE = """\
sources:
  - name: orders
    collection: orders
    time: created_at
    where: status <> 'cancelled'
    fields:
      status: string
      country: string
      channel: string
      total: number
      items: integer
      discount: number
    dimensions: [country]
"""

#: Twenty metrics that a shop's dashboard shows, by name: the rest of their line.
METRICS = {
    "orders": "type: count",
    "revenue": "type: sum, expr: total",
    "items": "type: sum, expr: items",
    "discounts": "type: sum, expr: discount",
    "basket": "type: avg, expr: total",
    "largest": "type: max, expr: total",
    "smallest": "type: min, expr: total",
    "most_items": "type: max, expr: items",
    "web_orders": "type: count, where: channel = 'web'",
    "web_revenue": "type: sum, expr: total, where: channel = 'web'",
    "app_orders": "type: count, where: channel = 'app'",
    "app_revenue": "type: sum, expr: total, where: channel = 'app'",
    "shop_orders": "type: count, where: channel = 'shop'",
    "shop_revenue": "type: sum, expr: total, where: channel = 'shop'",
    "large_orders": "type: count, where: total >= 250",
    "large_revenue": "type: sum, expr: total, where: total >= 250",
    "bulk_orders": "type: count, where: items >= 5",
    "bulk_items": "type: sum, expr: items, where: items >= 5",
    "discounted": "type: count, where: discount > 0",
    "discounted_revenue": "type: sum, expr: total, where: discount > 0",
}


def spec(name: str, metrics: list[str]) -> str:
    """A subject of some of the metrics."""
    lines = "".join(f"  - {{name: {one}, source: orders, {METRICS[one]}}}\n" for one in metrics)
    return (
        f"dashpipe: 1\nsubject: {name}\ndescription: Orders.\nschedule: none\n{SOURCE}"
        f"dimensions: [country]\ngrains: [day]\nmetrics:\n{lines}"
        "checks:\n  - {id: not-empty, type: row_count, fail: {below: 1}}\n"
    )


def run(*, quick: bool) -> list[Result]:
    """Compare."""
    documents = 20_000 if quick else 100_000
    with bench() as here:
        fill(here, documents)
        files = {"all": spec("all_metrics", list(METRICS))}
        files |= {f"one_{name}": spec(f"one_{name}", [name]) for name in METRICS}
        subjects = here.subjects(files)
        fused = subjects.pop("all_metrics")

        return [
            paired(
                "20 metrics of one source: whole first runs",
                ("one subject, fused", lambda: _runs(here, [fused])),
                ("20 subjects of one metric", lambda: _runs(here, list(subjects.values()))),
                pairs=1 if quick else 3,
                warm=False,
                goal=8.0,
                about={"documents": documents, "rows": 270, "server": here.server.build},
            )
        ]


def _runs(here: Bench, subjects: list[Subject]) -> Measure:
    def work() -> None:
        for one in subjects:
            here.run(one)

    here.forget()
    return inside(work, here.server.pid)
