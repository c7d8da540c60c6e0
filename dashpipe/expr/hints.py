"""Words of SQL and of other languages that are not in the subset, each with the nearest thing that is."""

from __future__ import annotations

#: Words that cannot be a bare name. After a dot, and in double quotes, they can.
RESERVED = frozenset(
    [
        "AND",
        "OR",
        "NOT",
        "IN",
        "IS",
        "NULL",
        "LIKE",
        "BETWEEN",
        "CASE",
        "WHEN",
        "THEN",
        "ELSE",
        "END",
        "TRUE",
        "FALSE",
        "CAST",
        "TRY_CAST",
        "ESCAPE",
        "DISTINCT",
        "AS",
        "SELECT",
        "FROM",
        "WHERE",
        "GROUP",
        "HAVING",
        "ORDER",
        "LIMIT",
        "JOIN",
        "UNION",
        "EXISTS",
        "OVER",
        "ALL",
        "ANY",
        "SOME",
        "ILIKE",
        "INTERVAL",
    ]
)

_QUERY = (
    "an expression is one value of one document: other tables come in as `sources` or as a `lookup` dimension"
)

#: Reserved words that start nothing in an expression, and what to do instead.
FOREIGN = {
    "SELECT": _QUERY,
    "FROM": _QUERY,
    "WHERE": "the filter is a key of its own: `where:`",
    "GROUP": "rows are grouped by the subject's `dimensions`",
    "HAVING": "filter with `where:`; what comes after the grouping is a `derived` metric",
    "ORDER": "rows have no order; `min` and `max` are metric types",
    "LIMIT": "rows are not cut off; filter with `where:`",
    "JOIN": _QUERY,
    "UNION": "add a further entry under `sources:`",
    "EXISTS": _QUERY,
    "OVER": "windows over rows are metric types: cumulative, share, derived with an offset",
    "ALL": "compare with each value: x > a AND x > b",
    "ANY": "write IN (a, b)",
    "SOME": "write IN (a, b)",
    "ILIKE": "write lower(x) LIKE 'abc%'",
    "INTERVAL": "dates are compared by date_diff('day', a, b)",
    "DISTINCT": "distinct values are counted by the metric type count_distinct",
    "AS": "a name is given by the `name:` key",
}

#: Calls whose arguments are no list of values, and what to write instead.
SPELLED = {
    "extract": "write year(x), month(x), day(x), hour(x), …",
    "position": "write contains(x, 'a')",
    "overlay": "write concat(left(x, 2), 'a', substring(x, 5))",
}

AGGREGATE = "an aggregate is the metric's `type:`; its `expr:` is the value of one document"

_CLOCK = "a run can be repeated later and must give the same rows, so there is no clock"

#: Functions that are not in the subset, in lower case, with what to write instead.
FUNCTIONS = {
    "count": f"{AGGREGATE}: type: count",
    "sum": f"{AGGREGATE}: type: sum",
    "avg": f"{AGGREGATE}: type: avg",
    "min": f"{AGGREGATE}: type: min; the smallest of several values is least(a, b)",
    "max": f"{AGGREGATE}: type: max; the greatest of several values is greatest(a, b)",
    "mean": f"{AGGREGATE}: type: avg",
    "median": f"{AGGREGATE}: type: median",
    "stddev": f"{AGGREGATE}: type: stddev",
    "variance": f"{AGGREGATE}: type: variance",
    "any_value": AGGREGATE,
    "now": f"{_CLOCK}; compare two fields",
    "current_date": f"{_CLOCK}; compare two fields",
    "current_timestamp": _CLOCK,
    "today": f"{_CLOCK}; compare two fields",
    "getdate": f"{_CLOCK}; compare two fields",
    "random": "a run can be repeated later and must give the same rows, so there is no chance",
    "if": "write CASE WHEN a THEN b ELSE c END",
    "iff": "write CASE WHEN a THEN b ELSE c END",
    "iif": "write CASE WHEN a THEN b ELSE c END",
    "isnull": "write x IS NULL, or COALESCE(x, 0)",
    "nvl": "write COALESCE(x, 0)",
    "ifnull": "write COALESCE(x, 0)",
    "timestampdiff": "write date_diff('day', a, b)",
    "dateadd": "dates are compared by date_diff('day', a, b)",
    "date_add": "dates are compared by date_diff('day', a, b)",
    "to_char": "write strftime(x, '%Y-%m')",
    "date_format": "write strftime(x, '%Y-%m')",
    "to_date": "write CAST(x AS DATE)",
    "date": "write CAST(x AS DATE)",
    "to_number": "write CAST(x AS DOUBLE)",
    "int": "write CAST(x AS INTEGER)",
    "float": "write CAST(x AS DOUBLE)",
    "str": "write CAST(x AS VARCHAR)",
    "convert": "write CAST(x AS INTEGER)",
    "safe_cast": "write TRY_CAST(x AS INTEGER)",
    "try_convert": "write TRY_CAST(x AS INTEGER)",
    "regexp_matches": "write LIKE with % and _, or starts_with(x, 'a') or contains(x, 'a')",
    "regexp_like": "write LIKE with % and _, or starts_with(x, 'a') or contains(x, 'a')",
    "instr": "write contains(x, 'a')",
    "strpos": "write contains(x, 'a')",
    "cardinality": "write len(x)",
    "size": "write len(x)",
    "ucase": "write upper(x)",
    "lcase": "write lower(x)",
    "char_length": "write length(x)",
    "log": "write ln(x), or log10(x)",
    "truncate": "write floor(x), or ceil(x) below zero",
    "row_number": "windows over rows are metric types: cumulative, share, derived with an offset",
    "rank": "windows over rows are metric types: cumulative, share, derived with an offset",
    "lag": "write a derived metric whose input has an offset",
    "lead": "write a derived metric whose input has an offset",
}
