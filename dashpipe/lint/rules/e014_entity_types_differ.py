"""An entity that is of two types."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="E014",
    name="entity-types-differ",
    severity=Severity.ERROR,
    what="The entity of a conversion has different types in its two sources.",
    why="Events meet by their entity: the text '5' and the number 5 are never the same customer.",
    bad="""
lookback_days: 7
sources:
  - orders
  - name: visits
    collection: visits
    time: at
    fields: {customer_id: integer, country: string, region: string}
    dimensions: [country, region]
metrics:
  - {name: bought, type: conversion, base: visits, conversion: orders, entity: customer_id, window: 7 days}
""",
    good="""
lookback_days: 7
sources:
  - orders
  - name: visits
    collection: visits
    time: at
    fields: {customer_id: string, country: string, region: string}
    dimensions: [country, region]
metrics:
  - {name: bought, type: conversion, base: visits, conversion: orders, entity: customer_id, window: 7 days}
""",
)
