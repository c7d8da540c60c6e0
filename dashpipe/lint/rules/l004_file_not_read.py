"""A file or folder that cannot be read."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="L004",
    name="file-not-read",
    severity=Severity.ERROR,
    what="A spec file, or the folder of specs, is not there, may not be read, or is a link that leads "
    "out of the project.",
    why="What is not read is not checked, and a link out of the project would let a spec be changed "
    "without a review.",
    bad="""
# file: dashpipe.toml
metrics = "specs"
""",
    good="""
# file: dashpipe.toml
metrics = "metrics"

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
