"""A metric: the keys that all have, and those of its type."""

from __future__ import annotations

from dashpipe.spec.shape.aggregates import AGGREGATE
from dashpipe.spec.shape.composites import COMPOSITE
from dashpipe.spec.shape.journeys import CONVERSION, RETENTION
from dashpipe.spec.shape.kinds import Cases, Either, Flag, Key, Keys, ListOf, Null, Number, Words
from dashpipe.spec.shape.texts import DAYS_ON, EXPRESSION, FULL_REF, NAME, PLAIN, REF
from dashpipe.spec.shape.words import GRAIN, TYPE

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
        variants=(*AGGREGATE, *COMPOSITE, ("conversion", CONVERSION), ("retention", RETENTION)),
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
