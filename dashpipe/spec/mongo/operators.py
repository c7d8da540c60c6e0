"""The stages and operators that a spec may use. What is not listed is refused.

All of them are in MongoDB 5.0, give the same for the same document whenever they run, run no code, and read
or write nothing but the document itself; ``$lookup`` reads a collection of the same database.
"""

from __future__ import annotations


def _words(written: str) -> frozenset[str]:
    return frozenset(f"${one}" for one in written.split())


STAGES = _words("match set unset unwind lookup project replaceWith")

#: Operators of expressions.
EXPRESSIONS = _words(
    # numbers
    "abs add ceil divide exp floor ln log log10 mod multiply pow round sqrt subtract trunc "
    "sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh degreesToRadians radiansToDegrees "
    # arrays and sets
    "arrayElemAt arrayToObject concatArrays filter first in indexOfArray isArray last map objectToArray "
    "range reduce reverseArray size slice zip allElementsTrue anyElementTrue setDifference setEquals "
    "setIntersection setIsSubset setUnion sum avg min max stdDevPop stdDevSamp "
    # comparison, logic, conditions
    "cmp eq gt gte lt lte ne and not or cond ifNull switch "
    # dates
    "dateAdd dateDiff dateFromParts dateFromString dateSubtract dateToParts dateToString dayOfMonth "
    "dayOfWeek dayOfYear hour isoDayOfWeek isoWeek isoWeekYear millisecond minute month second week year "
    # text
    "concat indexOfBytes indexOfCP ltrim regexFind regexFindAll regexMatch replaceAll replaceOne rtrim split "
    "strLenBytes strLenCP strcasecmp substrBytes substrCP toLower toUpper trim "
    # types, documents, variables
    "convert isNumber toBool toDate toDecimal toDouble toInt toLong toObjectId toString type "
    "mergeObjects literal let"
)

#: Operators of filters, beside a field.
FILTERS = _words("eq gt gte lt lte ne in nin exists type not regex options mod all elemMatch size")
#: Operators of filters that join others.
JOINS = _words("and or nor")

#: What to write instead of a stage.
INSTEAD_OF_STAGE = {
    "$addFields": "write `$set`",
    "$replaceRoot": "write `$replaceWith`",
    "$redact": "write `$match`, or `$unset`",
    "$group": "write metrics: dashpipe groups by the dimensions",
    "$count": "write a metric of type count",
    "$sortByCount": "write a dimension and a metric of type count",
    "$bucket": "write a dimension with CASE",
    "$bucketAuto": "write a dimension with CASE",
    "$sort": "take it out: no metric depends on the order of documents",
    "$limit": "take it out, or write a condition that chooses the documents",
    "$skip": "take it out, or write a condition that chooses the documents",
    "$sample": "take it out: a run must give the same rows again",
    "$unionWith": "write a source for each collection",
    "$facet": "write one metric for each",
    "$graphLookup": "write `$lookup`, which goes one step",
    "$setWindowFields": "write `unique` to choose the newest document of several",
    "$fill": "write COALESCE in the expression",
    "$densify": "take it out: a row is there where a document is",
    "$out": "take it out: a run writes its rows itself, to `target`",
    "$merge": "take it out: a run writes its rows itself, to `target`",
}

#: What to write instead of an operator.
INSTEAD_OF_OPERATOR = {
    "$where": "write `$expr` with operators",
    "$function": "write it with operators: no code is run in the database",
    "$accumulator": "write it with operators: no code is run in the database",
    "$rand": "take it out: a run must give the same rows again",
    "$sampleRate": "take it out: a run must give the same rows again",
    "$dateTrunc": "write `$dateToString` with a format: not every engine truncates rightly",
    "$date": "write it as text, in `{$dateFromString: {dateString: …}}` under `$expr`",
    "$oid": "write it as text, in `{$toObjectId: …}` under `$expr`",
    "$numberDecimal": "write it as text, in `{$toDecimal: …}`",
    "$numberLong": "write the number",
    "$push": "a metric's value is of one document",
    "$text": "write `$regexMatch` under `$expr`",
    "$jsonSchema": "write `$type` and comparisons",
}
