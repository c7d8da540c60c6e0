"""The keys of metrics that are made of other metrics, by type."""

from __future__ import annotations

from dashpipe.spec.shape.kinds import Key, Keys, ListOf, Words, aliases
from dashpipe.spec.shape.texts import EXPRESSION, FULL_REF, NAME, PERIOD, REF
from dashpipe.spec.shape.words import TO_DATE

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

#: The keys of each type.
COMPOSITE: tuple[tuple[str, tuple[Key, ...]], ...] = (
    ("ratio", _RATIO),
    ("derived", _DERIVED),
    ("cumulative", _CUMULATIVE),
    ("share", _SHARE),
)
