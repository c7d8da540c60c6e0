"""A subject without project, time zone or start."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="N016",
    name="setting-missing",
    severity=Severity.ERROR,
    what="Neither the subject nor `[defaults]` in `dashpipe.toml` says the project, the time zone or the "
    "first day.",
    why="The project is part of the subject's id. The time zone decides what a day is, and `start` is "
    "the first that is computed.",
    bad="""
# file: dashpipe.toml
[defaults]
project = "shop"
domain = "dash"
timezone = "Europe/Berlin"
owner = "shop-team"

[allow]
env = ["SHOP_*"]
""",
    good="""
# file: dashpipe.toml
[defaults]
project = "shop"
domain = "dash"
start = "2024-01-01"
timezone = "Europe/Berlin"
owner = "shop-team"

[allow]
env = ["SHOP_*"]
""",
)
