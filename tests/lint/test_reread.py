"""Of which windows lint says that kept values would serve: those that the compiler counts from them."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashpipe.compile import compile_subject
from dashpipe.lint import lint
from dashpipe.spec.project import load
from tests.lint import cases

BUYERS = "  - {name: buyers, type: count_distinct, expr: customer_id}\n"
WEEK = "  - {name: buyers_7d, type: cumulative, metric: buyers, window: 7 days}\n"
EACH = """\
  - {name: orders, type: count}
  - {name: each, type: ratio, numerator: orders, denominator: buyers}
  - {name: each_7d, type: cumulative, metric: each, window: 7 days}
"""
USUAL = "  - {name: usual, type: median, expr: total}\n"

#: The metrics and grains, and whether kept values serve the window of seven days.
WINDOWS: dict[str, tuple[str, str, bool]] = {
    "alone": ("day", BUYERS + WEEK, True),
    "beside sums": (
        "day",
        f"{BUYERS}{WEEK}  - revenue\n  - {{name: sold, type: cumulative, metric: revenue}}\n",
        True,
    ),
    "within a ratio": (
        "day",
        f"{BUYERS}{EACH}",
        True,
    ),
    "beside a median of the day": ("day", BUYERS + WEEK + USUAL, True),
    "beside a median's window": (
        "day",
        f"{BUYERS}{WEEK}{USUAL}  - {{name: usual_7d, type: cumulative, metric: usual, window: 7 days}}\n",
        False,
    ),
    "beside hours": (
        "day",
        f"{BUYERS}{WEEK}  - {{name: last_hours, type: cumulative, metric: buyers, window: 30 hours}}\n",
        False,
    ),
    "a set": ("day", BUYERS.replace("customer_id", "customer_id, cardinality_at_most: 50") + WEEK, False),
    "amounts": ("day", BUYERS.replace("customer_id", "total") + WEEK, False),
    "weeks alone": ("week", BUYERS + WEEK, False),
}


@pytest.mark.parametrize("kind", WINDOWS)
def test_a_window_that_could_be_counted_from_kept_values(kind: str, tmp_path: Path) -> None:
    """Lint says so if, and only if, the plan with `incremental: true` counts it from them."""
    grain, metrics, serves = WINDOWS[kind]
    files = cases.base_files()
    edit = f'schedule: "0 * * * *"\ngrains: [{grain}]\nmetrics:\n{metrics}'
    files[cases.SUBJECT] = cases.edited(files[cases.SUBJECT], edit)
    cases.write(files, tmp_path)
    assert [one.code for one in lint(load(tmp_path)) if one.code == "C001"] == ["C001"] * serves
    model = tmp_path / "metrics/shop/models/orders.yml"
    model.write_text(model.read_text(encoding="utf-8") + "incremental: true\n", encoding="utf-8")
    assert [one.code for one in lint(load(tmp_path)) if one.code == "C001"] == []
    subjects = {one.name: one for one in load(tmp_path).resolved().subjects}
    counted = [one for rule in compile_subject(subjects["daily"]).merged for one in rule.counted]
    assert bool(counted) == serves
