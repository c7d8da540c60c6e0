"""A calendar file that is not there."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="N018",
    name="unknown-calendar",
    severity=Severity.ERROR,
    what="`calendar` names a file that is not there, or is no calendar.",
    why="Fiscal periods that nothing says cannot be guessed. A calendar file is YAML in the folder "
    "of the specs, and is named from there.",
    bad="""
# file: metrics/shop/other.yml
dashpipe: 1
subject: other
description: One row per local day and fiscal month.
sources:
  - orders
grains: [day, fiscal_month]
calendar: {file: calendars/fiscal.yml}
metrics:
  - revenue
checks:
  - {id: not-empty, type: row_count, fail: {below: 1}}
""",
    good="""
# file: metrics/shop/other.yml
dashpipe: 1
subject: other
description: One row per local day and fiscal month.
sources:
  - orders
grains: [day, fiscal_month]
calendar: {file: calendars/fiscal.yml}
metrics:
  - revenue
checks:
  - {id: not-empty, type: row_count, fail: {below: 1}}
# file: metrics/calendars/fiscal.yml
dashpipe: 1
calendar: retail
description: The retail year of the shops, by weeks.
pattern: 4-5-4
years: [2023-01-29, 2024-02-04, 2025-02-02, 2026-02-01]
last_day: 2027-01-30
""",
)
