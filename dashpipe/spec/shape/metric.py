"""The keys of a metric, by its type."""

from __future__ import annotations

from dashpipe.spec.model import AGGREGATES, COHORTS, COMPOSITES, FISCAL, JOURNEYS, Grain
from dashpipe.spec.shape.journeys import CONVERSION, RETENTION
from dashpipe.spec.shape.kinds import (
    Cases,
    Either,
    Flag,
    Free,
    Key,
    Keys,
    ListOf,
    Null,
    Number,
    Words,
    aliases,
)
from dashpipe.spec.shape.texts import CARRY, DAYS_ON, EXPRESSION, FULL_REF, NAME, PERIOD, PLAIN, REF

GRAIN = Words(
    tuple(one.value for one in Grain),
    also=aliases(
        hour="hourly hours",
        day="daily days date",
        week="weekly weeks",
        month="monthly months",
        quarter="quarterly quarters",
        year="yearly years annual annually",
        fiscal_month="fiscal_period fiscal_months",
        fiscal_quarter="fiscal_quarters",
        fiscal_year="fiscal_years fy",
    ),
)

TYPE = Words(
    (*AGGREGATES, *COMPOSITES, *JOURNEYS, *COHORTS),
    also=aliases(
        count="cnt rows number row_count",
        sum="total add",
        avg="average mean",
        min="minimum least",
        max="maximum greatest",
        count_distinct="countd distinct distinct_count count_unique unique nunique cardinality",
        ratio="rate percentage percent proportion",
        derived="formula expression calculated computed expr",
        median="med middle p50",
        percentile="pct quantile perc pctl",
        stddev="std stdev sd standard_deviation stddev_samp stddev_pop",
        variance="var var_samp var_pop",
        first="first_value earliest",
        last="last_value latest newest",
        top="top_n topn mode most_frequent",
        cumulative="rolling running cumulated cumul running_total moving",
        share="share_of percent_of_total contribution",
        conversion="funnel conversion_rate converts",
        retention="cohort cohorts retained churn",
    ),
)

#: What a cumulative metric may begin with.
TO_DATE = ("month", "quarter", "year", *(one.value for one in FISCAL))

_VALUE = Key(
    "expr",
    EXPRESSION,
    "The value of one document, an SQL expression; NULL counts as no value.",
    required=True,
)

_ANY = Either((Null(), Number(whole=False), PLAIN, Flag()))

FILL = Keys(
    "fill",
    (
        Key("value", _ANY, "The metric's value in a row that is added; null is one too.", required=True),
        Key(
            "scope",
            Words(("series",)),
            "Which rows are added: those of each key that has had one, by itself.",
            default="series",
        ),
        Key("for", DAYS_ON, "How long after a key's last own row: `30 days`.", required=True),
    ),
)

_INPUT = Keys(
    "input",
    (
        Key("metric", FULL_REF, "A metric of this subject.", required=True),
        Key("as", NAME, "Its name in `expr`.", required=True),
        Key("where", EXPRESSION, "A condition added to each of its leaves."),
        Key(
            "offset",
            PERIOD,
            "Take its value that long before: `1 week`. A key without a row then counts as nothing.",
        ),
    ),
)

_RATIO = (
    Key("numerator", REF, "The metric above the line.", required=True),
    Key("denominator", REF, "The metric below the line.", required=True),
    Key(
        "on_zero", Words((None, "null", 0, "error")), "The value where the denominator is 0.", default="null"
    ),
)
_DERIVED = (
    Key("expr", EXPRESSION, "Arithmetic over metrics of the row, by their names.", required=True),
    Key(
        "inputs",
        ListOf(_INPUT, least=0),
        "Metrics under another name, or with a condition of their own; plain names need no entry.",
        default="[]",
    ),
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
_CUMULATIVE = (
    Key("metric", REF, "The metric that is cumulated; its states are merged.", required=True),
    Key("window", PERIOD, "The time up to the partition's end that counts: `7 days`.", default="all time"),
    Key(
        "to_date",
        Words(TO_DATE, also=aliases(month="mtd", quarter="qtd", year="ytd")),
        "Count from the beginning of the period that the partition ends in.",
        default="all time",
    ),
    Key(
        "period_agg",
        Words(
            ("last", "first", "average", "min", "max"),
            also=aliases(
                last="end",
                first="start begin",
                average="avg mean",
                min="minimum least",
                max="maximum greatest",
            ),
        ),
        "Grains above day: the value as of the end of the period's last or first day, or the average, least "
        "or greatest of the values as of the end of each of its days.",
        default="last",
    ),
)
_SHARE = (
    Key("metric", REF, "The metric whose share it is.", required=True),
    Key(
        "of",
        ListOf(REF, least=0),
        "The dimensions of the whole: the value is divided by that of all rows that agree on them.",
        required=True,
    ),
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
_OWN: tuple[tuple[str, tuple[Key, ...]], ...] = (
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
    ("ratio", _RATIO),
    ("derived", _DERIVED),
    ("cumulative", _CUMULATIVE),
    ("share", _SHARE),
    ("conversion", CONVERSION),
    ("retention", RETENTION),
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


_VARIANTS = tuple((name, _measured(keys) if name in AGGREGATES else keys) for name, keys in _OWN)


def definition(with_source: bool) -> Keys:
    """A metric that is defined in place; in a source it has no ``source``, since that is clear."""
    source = Key("source", REF, "The source that is measured.", default="the only one")
    return Keys(
        "metric",
        (
            Key("name", NAME, "The metric's name: a column of the row.", required=True),
            Key("type", TYPE, "How it is measured.", required=True),
            *((source,) if with_source else ()),
            Key(
                "where",
                EXPRESSION,
                "Which documents count, an SQL condition; on ratio and derived, added to every leaf.",
            ),
            Key("grains", ListOf(GRAIN), "The grains that have this metric.", default="all of the subject"),
            Key("description", PLAIN, "What it means, for people.", default="empty"),
            Key("unit", PLAIN, "Its unit, such as min or EUR.", default="empty"),
            Key("format", PLAIN, "How dashboards show it.", default="empty"),
            Key("owner", PLAIN, "Who answers for its meaning.", default="the subject's"),
            Key("fill", FILL, "Add rows for keys that had one in the time before, with this value."),
            Key(
                "empty",
                _ANY,
                "The value where nothing matched.",
                default="0 for count, sum and count_distinct, [] for top, else null",
            ),
            Key("hidden", Flag(), "Compute it as part of others, and do not write it.", default="false"),
        ),
        short="name",
        by="type",
        variants=_VARIANTS,
        foreign=()
        if with_source
        else (("source", "take it out: the metrics of a source are measured in that source"),),
    )


_TAKEN = Keys(
    "metric taken from a source",
    (
        Key(
            "metric",
            FULL_REF,
            "The metric, as `source.metric` where two sources have one of that name.",
            required=True,
        ),
        Key("as", NAME, "Its name in the row.", default="its own name"),
    ),
)

#: An entry of a subject's metrics: a name, a metric under another name, or a definition.
SUBJECT_METRIC = Either((REF, Cases("metric", "type", _TAKEN, definition(with_source=True))))
