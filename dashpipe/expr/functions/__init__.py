"""The functions of the subset, by name."""

from __future__ import annotations

from dashpipe.expr.functions import array, date, number, text
from dashpipe.expr.functions.function import Function, Param

#: Every function once, as it is listed.
LISTED = (*number.FUNCTIONS, *text.FUNCTIONS, *date.FUNCTIONS, *array.FUNCTIONS)

#: Second names that DuckDB has too.
ALIASES = {
    "substr": "substring",
    "pow": "power",
    "ceiling": "ceil",
    "datediff": "date_diff",
    "weekofyear": "week",
}

FUNCTIONS = {one.name: one for one in LISTED}

__all__ = ["ALIASES", "FUNCTIONS", "LISTED", "Function", "Param"]
