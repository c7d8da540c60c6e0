"""The keys of metrics that follow an entity from one event to another."""

from __future__ import annotations

from dashpipe.spec.shape.kinds import Either, Key, Keys, Number, Words, aliases
from dashpipe.spec.shape.texts import EXPRESSION, PERIOD, REF

_EVENTS = Keys(
    "events",
    (
        Key("source", REF, "The source whose documents are the events.", required=True),
        Key("where", EXPRESSION, "Which of them are, an SQL condition.", default="all"),
    ),
    short="source",
)
CONVERSION = (
    Key("base", Either((REF, _EVENTS)), "The events that may lead to a conversion.", required=True),
    Key("conversion", Either((REF, _EVENTS)), "The events that are conversions.", required=True),
    Key("entity", EXPRESSION, "Whose events they are, an expression over both sources.", required=True),
    Key("window", PERIOD, "How long after a base event a conversion may come: `7 days`.", required=True),
    Key(
        "as",
        Words(("rate", "count"), also=aliases(rate="ratio share percent", count="number conversions")),
        "The share of base events that have a conversion, or the number of conversions.",
        default="rate",
    ),
)
RETENTION = (
    Key("entity", EXPRESSION, "Who comes back, an expression over the source.", required=True),
    Key(
        "period",
        Words(("day", "week", "month", "quarter", "year")),
        "The grain of its rows, and what is counted in; the metric is there alone.",
        required=True,
    ),
    Key(
        "periods",
        Number(least=1, most=60, help="write 1 to 60: the list stands in every row"),
        "How many periods after the first are looked at: the list has one entry more.",
        required=True,
    ),
)
