"""The keys of a metric, by its type."""

from __future__ import annotations

from dashpipe.spec.model import AGGREGATES, COMPOSITES, Grain
from dashpipe.spec.shape.kinds import (
    Cases,
    Either,
    Flag,
    Key,
    Keys,
    ListOf,
    Null,
    Number,
    Words,
    aliases,
    words,
)
from dashpipe.spec.shape.texts import EXPRESSION, FULL_REF, NAME, PLAIN, REF

GRAIN = Words(
    tuple(one.value for one in Grain),
    also=aliases(
        hour="hourly hours",
        day="daily days date",
        week="weekly weeks",
        month="monthly months",
        quarter="quarterly quarters",
        year="yearly years annual annually",
    ),
    later=("fiscal_month", "fiscal_quarter", "fiscal_year"),
)

TYPE = Words(
    (*AGGREGATES, *COMPOSITES),
    also=aliases(
        count="cnt rows number row_count",
        sum="total add",
        avg="average mean",
        min="minimum least",
        max="maximum greatest",
        count_distinct="countd distinct distinct_count count_unique unique nunique cardinality",
        ratio="rate percentage percent proportion",
        derived="formula expression calculated computed expr",
    ),
    later=words("median percentile stddev variance first last top cumulative conversion retention share"),
)

#: Keys of metrics that a later version has.
LATER = words(
    "p method approximate population per carry k by window to_date period_agg base conversion entity period "
    "periods of fill having cardinality_at_most mongo"
)

_VALUE = Key(
    "expr",
    EXPRESSION,
    "The value of one document, an SQL expression; NULL counts as no value.",
    required=True,
)

_INPUT = Keys(
    "input",
    (
        Key("metric", FULL_REF, "A metric of this subject.", required=True),
        Key("as", NAME, "Its name in `expr`.", required=True),
        Key("where", EXPRESSION, "A condition added to each of its leaves."),
    ),
    later=("offset",),
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
_VARIANTS: tuple[tuple[str, tuple[Key, ...]], ...] = (
    (
        "count",
        (Key("expr", EXPRESSION, "Count only documents where this is not NULL.", default="every document"),),
    ),
    ("sum", (_VALUE,)),
    ("avg", (_VALUE,)),
    ("min", (_VALUE,)),
    ("max", (_VALUE,)),
    (
        "count_distinct",
        (Key("expr", EXPRESSION, "The value whose distinct occurrences are counted.", required=True),),
    ),
    ("ratio", _RATIO),
    ("derived", _DERIVED),
)


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
            Key(
                "empty",
                Either((Null(), Number(whole=False), PLAIN, Flag())),
                "The value where nothing matched.",
                default="0 for count, sum and count_distinct, else null",
            ),
            Key("hidden", Flag(), "Compute it as part of others, and do not write it.", default="false"),
        ),
        short="name",
        by="type",
        variants=_VARIANTS,
        later=LATER,
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
