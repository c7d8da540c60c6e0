"""Which operators the stages of dashpipe itself are made of: those of MongoDB 5.0, and one that is probed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dashpipe.compile.capabilities import PROBES
from dashpipe.compile.emit.verify import FORBIDDEN, verify

ROOT = Path(__file__).parents[2]

#: Stages, accumulators, expressions, query operators in the manual of MongoDB 5.0, so far as they are used.
OF_5_0 = frozenset(
    [
        "abs",
        "add",
        "addToSet",
        "all",
        "and",
        "anyElementTrue",
        "arrayElemAt",
        "avg",
        "bitsAllClear",
        "ceil",
        "cmp",
        "concat",
        "concatArrays",
        "cond",
        "convert",
        "currentOp",
        "dateAdd",
        "dateFromString",
        "dateSubtract",
        "dateToString",
        "dayOfMonth",
        "dayOfWeek",
        "dayOfYear",
        "divide",
        "documentNumber",
        "each",
        "eq",
        "exists",
        "exp",
        "expr",
        "filter",
        "first",
        "floor",
        "group",
        "gt",
        "gte",
        "hour",
        "ifNull",
        "in",
        "inc",
        "indexOfArray",
        "indexOfCP",
        "isArray",
        "isoDayOfWeek",
        "isoWeek",
        "isoWeekYear",
        "last",
        "let",
        "limit",
        "literal",
        "ln",
        "log10",
        "lookup",
        "lt",
        "lte",
        "ltrim",
        "map",
        "match",
        "max",
        "merge",
        "mergeObjects",
        "min",
        "minute",
        "mod",
        "month",
        "multiply",
        "ne",
        "nin",
        "nor",
        "nin",
        "not",
        "objectToArray",
        "or",
        "out",
        "pow",
        "project",
        "push",
        "range",
        "reduce",
        "regex",
        "regexMatch",
        "replaceAll",
        "replaceWith",
        "round",
        "rtrim",
        "second",
        "set",
        "setDifference",
        "setEquals",
        "setOnInsert",
        "setWindowFields",
        "size",
        "sort",
        "sqrt",
        "stdDevPop",
        "strLenCP",
        "substrBytes",
        "substrCP",
        "subtract",
        "sum",
        "switch",
        "toDate",
        "toDecimal",
        "toDouble",
        "toInt",
        "toLong",
        "toLower",
        "toObjectId",
        "toString",
        "toUpper",
        "trim",
        "trunc",
        "type",
        "unionWith",
        "unset",
        "unwind",
        "year",
    ]
)

#: Used under a probe, with what is done instead.
PROBED = {"percentile"}

#: What is newer than 5.0, or wrong on an engine in use, or runs away: never emitted.
NEVER = frozenset(
    [
        "dateTrunc",
        "densify",
        "fill",
        "linearFill",
        "locf",
        "median",
        "top",
        "topN",
        "bottom",
        "bottomN",
        "firstN",
        "lastN",
        "maxN",
        "minN",
        "sortArray",
        "documents",
        "tsSecond",
        "tsIncrement",
        "bitAnd",
        "bitOr",
        "bitXor",
        "bitNot",
        "toUUID",
        "rankFusion",
        "scoreFusion",
        "vectorSearch",
        "search",
        "toHashedIndexKey",
        "sigmoid",
        "minMaxScaler",
        "createObjectId",
    ]
)

#: What stands in quotes behind a dollar sign and is a field, a variable of our own, a name in JSON.
NAMES = frozenset(
    [
        "SCRATCH",
        "at",
        "j",
        "leaf",
        "b",
        "c",
        "d",
        "date",
        "e",
        "f",
        "filled",
        "g",
        "source",
        "i",
        "foreign",
        "k",
        "m",
        "n",
        "o",
        "new",
        "old",
        "numberDecimal",
        "numberLong",
        "oid",
        "over",
        "ownOps",
        "p",
        "r",
        "s",
        "t",
        "times",
        "to",
        "v",
    ]
)


def used() -> set[str]:
    """Every word behind a dollar sign in the code that makes stages or runs them."""
    found: set[str] = set()
    for folder in ("expr", "compile", "run"):
        for path in (ROOT / "dashpipe" / folder).rglob("*.py"):
            found |= set(re.findall(r'"\$([a-zA-Z0-9]+)"', path.read_text(encoding="utf-8")))
    return found - {one[1:] for one in FORBIDDEN}


def test_every_operator_is_of_mongodb_5_0_or_probed():
    """No stage needs a newer server, except what is asked of it by a known answer and may be missed."""
    assert used() - NAMES <= OF_5_0 | PROBED
    assert {one.name for one in PROBES if one.cost} >= PROBED
    assert not (OF_5_0 | PROBED) & NEVER


def test_the_engines_page_tells_what_is_never_used():
    """Each operator that is left out by design is named in docs/engines.md."""
    page = (ROOT / "docs" / "engines.md").read_text(encoding="utf-8")
    assert [one for one in sorted(NEVER) if f"`${one}`" not in page] == []


@pytest.mark.parametrize("name", sorted(FORBIDDEN))
def test_what_is_forbidden_is_refused(name):
    """The last look at stages refuses what is never emitted, at any depth."""
    with pytest.raises(AssertionError, match=re.escape(name)):
        verify([{"$match": {"at": {"$gte": 1}}}, {"$set": {"x": [{name: "$y"}]}}])
