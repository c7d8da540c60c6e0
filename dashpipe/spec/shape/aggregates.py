"""The keys of metrics that are computed over the documents of a source, by type."""

from __future__ import annotations

from dashpipe.spec.shape.kinds import Flag, Free, Key, ListOf, Number, Words, aliases
from dashpipe.spec.shape.texts import CARRY, EXPRESSION

_VALUE = Key(
    "expr",
    EXPRESSION,
    "The value of one document, an SQL expression; NULL counts as no value.",
    required=True,
)

_METHOD = Key(
    "method",
    Words(
        ("discrete", "continuous"),
        also=aliases(discrete="disc exact nearest nearest_rank", continuous="cont linear interpolated"),
    ),
    "The value of a document (`discrete`), or between two (`continuous`).",
    default="continuous for median, discrete for percentile",
)
_APPROXIMATE = Key(
    "approximate",
    Flag(),
    "Let the server estimate it in the one pass over the documents (MongoDB 7.0); else it is exact.",
    default="false",
)
_POPULATION = Key(
    "population",
    Flag(),
    "Of the whole population (divide by n); else of a sample (by n - 1), and null of one value.",
    default="false",
)
_DISTINCT = (
    Key("expr", EXPRESSION, "The value whose distinct occurrences are counted.", required=True),
    Key(
        "having",
        EXPRESSION,
        "Count only values whose own metrics satisfy it: `lessons >= 5`, of metrics of the same source.",
    ),
    Key(
        "cardinality_at_most",
        Number(least=1, most=10_000, help="leave it out: without it any number of values is counted exactly"),
        "Collect a row's values in a set, in the one pass over the documents; more of them fail the run.",
    ),
)
_TOP = (
    Key("expr", EXPRESSION, "The value that is listed.", required=True),
    Key(
        "k",
        Number(least=1, most=100, help="write 1 to 100: the list stands in every row"),
        "How many values the list has at most.",
        required=True,
    ),
    Key(
        "by",
        EXPRESSION,
        "What is summed to order the values, an SQL expression.",
        default="the number of documents",
    ),
)
_PER = Key(
    "per",
    ListOf(EXPRESSION),
    "What has a balance: the value of each of these keys (`[account]`), summed; NULL is one key.",
    default="one value of all documents",
)
_CARRY = Key(
    "carry",
    CARRY,
    "Where the partition has no value, take the latest of the time before: `7 days`, or `always`.",
    default="none but the partition's own",
)
_OF = Key(
    "of",
    Words(
        ("document", "element"),
        also=aliases(document="documents row doc", element="elements item array"),
    ),
    "In a source with `unwind`: whether it is of documents, each once in a row, or of elements.",
    default="element, where it reads them; else it must be said",
)
_BY_TYPE: tuple[tuple[str, tuple[Key, ...]], ...] = (
    (
        "count",
        (Key("expr", EXPRESSION, "Count only documents where this is not NULL.", default="every document"),),
    ),
    ("sum", (_VALUE,)),
    ("avg", (_VALUE,)),
    ("min", (_VALUE,)),
    ("max", (_VALUE,)),
    ("count_distinct", _DISTINCT),
    ("median", (_VALUE, _METHOD, _APPROXIMATE)),
    (
        "percentile",
        (
            _VALUE,
            Key("p", Number(whole=False), "The share of values up to it: 0.9 for the 90th.", required=True),
            _METHOD,
            _APPROXIMATE,
        ),
    ),
    ("stddev", (_VALUE, _POPULATION)),
    ("variance", (_VALUE, _POPULATION)),
    ("first", (_VALUE, _PER, _CARRY)),
    ("last", (_VALUE, _PER, _CARRY)),
    ("top", _TOP),
)
_MONGO = (
    Key(
        "mongo",
        Free("an aggregation expression", ("map", "text")),
        "The value of one document as MongoDB's own expression, for what SQL cannot say: `{$size: $tags}`.",
    ),
    Key(
        "mongo_type",
        Words(("integer", "number", "decimal", "string", "boolean", "date", "object_id")),
        "The type of what `mongo` gives; a value of another type is NULL.",
        default="number for sums and means",
    ),
)


def _measured(keys: tuple[Key, ...]) -> tuple[Key, ...]:
    """The keys of an aggregate: its value may be said in MongoDB's own words."""
    return (*(one._replace(instead="mongo") if one.name == "expr" else one for one in keys), *_MONGO, _OF)


#: The keys of each type.
AGGREGATE = tuple((name, _measured(keys)) for name, keys in _BY_TYPE)
