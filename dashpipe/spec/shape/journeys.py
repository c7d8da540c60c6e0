"""The keys of metrics that follow an entity from one event to another."""

from __future__ import annotations

from dashpipe.spec.shape.kinds import Either, Key, Keys, Words, aliases
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
