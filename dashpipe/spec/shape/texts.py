"""The kinds of text that keys have in common: names, paths, collections, durations."""

from __future__ import annotations

from dashpipe.spec.shape.kinds import Either, Key, Keys, Text, words

#: What a row has beside its dimensions and metrics.
ROW = ("partition_date", "partition_hour", "grain", "complete", "created_at", "updated_at", "filled")

#: Words that cannot be a bare name in an expression, here or in the SQL that people paste it into.
SQL = words(
    "all analyse analyze and any array as asc asymmetric between both case cast check collate column "
    "constraint create default deferrable desc describe distinct do else end escape except exists false "
    "fetch for foreign from grant group having ilike in initially intersect interval into is join lambda "
    "lateral leading like limit not null offset on only or order over pivot pivot_longer pivot_wider "
    "placing primary qualify references returning select show some summarize symmetric table then to "
    "trailing true try_cast union unique unpivot using variadic when where window with"
)

_LAST = r"$(?!\n)"  # in Python, $ alone also matches before a last line end

NAME = Text(
    "a name",
    pattern=r"^[a-z][a-z0-9_]*" + _LAST,
    most=48,
    not_in=frozenset((*ROW, *SQL)),
    code="S105",
    help="a name has small letters, digits and _, begins with a letter and has at most 48 characters",
)
REF = Text("a name", pattern=NAME.pattern, most=48, code="S105", help=NAME.help)
FULL_REF = Text(
    "the name of a metric",
    pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?" + _LAST,
    most=97,
    code="S105",
    help="write the metric's name, or source.metric",
)
ID = Text(
    "an id",
    pattern=r"^[a-z][a-z0-9_-]*" + _LAST,
    most=48,
    code="S105",
    help="an id has small letters, digits, - and _, begins with a letter and has at most 48 characters",
)
PATH = Text(
    "the path of a field",
    pattern=r"^[^.$\x00][^.\x00]*(\.[^.$\x00][^.\x00]*)*" + _LAST,
    most=255,
    help="write the field's name, below others with dots: teacher.id",
)
EXPRESSION = Text("an expression", least=1, help="write an SQL expression")
PLAIN = Text()
SOME = Text(least=1, help="write some text")

FILE_PATH = Text(
    "the path of a file",
    pattern=r"^(?!file:)(?!local:)(?!https?:)(?!.*::)(?!\.\.(/|$))(?!.*/\.\.(/|$))[^\x00-\x1f\\]*[^/\x00-\x1f\\]"
    + _LAST,
    most=1000,
    help="write a path without `..` and backslashes, or a URL such as s3://bucket/orders.csv; a local file "
    "is no URL, and `::` chains are not followed",
    examples=("data/orders_*.csv.gz", "s3://bucket/orders.parquet"),
)
URL = Text(
    "a URL",
    pattern=r"^https?://[^\s/?#@\\]+(/[^\s#\\]*)?(\?[^\s#\\]*)?" + _LAST,
    most=2000,
    help="write an address that begins with https://, without a user or a #",
    examples=("https://api.example.com/v1/orders",),
)
PARAMETER = Text(
    "the name of a parameter",
    pattern=r"^[A-Za-z0-9_.~\[\]-]+" + _LAST,
    most=100,
    help="write the name of a parameter of the URL: page",
)
DELIMITER = Text(
    "one character",
    pattern=r'^[^\n\r"\x00]' + _LAST,
    help='write it in quotes: ";" or "\\t"',
    examples=(";", "\t"),
)

COLLECTION = Text(
    "the name of a collection",
    pattern=r"^(?!system\.)(?!\.)[^$\x00]+(?<!\.)" + _LAST,
    most=120,
    least=1,
    help="a collection's name has no $, and does not begin with `system.` or a dot",
)
ENV = Keys(
    "environment value",
    (
        Key(
            "env",
            Text(
                "the name of an environment variable",
                pattern=r"^[A-Za-z_][A-Za-z0-9_]*" + _LAST,
                most=128,
                help="write the variable's name alone, as it is set: SHOP_ORDERS",
            ),
            "The environment variable; `[allow] env` in dashpipe.toml must name it.",
            required=True,
        ),
        Key("default", COLLECTION, "What holds where the variable is not set."),
    ),
)
COLLECTION_OR_ENV = Either((COLLECTION, ENV))
CONNECTION = Text(
    "the name of a connection",
    pattern=NAME.pattern,
    most=48,
    code="S105",
    help="write its name: `source` is the Airflow Connection dashpipe_source, or DASHPIPE_SOURCE_URI",
)
DURATION = Text(
    "a duration",
    pattern=r"^[1-9][0-9]{0,4} ?[smhd]" + _LAST,
    help="write seconds as a number, or a number with s, m, h or d: 5m",
    examples=("5m", "1h"),
)
PERIOD = Text(
    "a length of calendar time",
    pattern=r"^[1-9][0-9]{0,3} (hour|day|week|month|quarter|year|fiscal_(month|quarter|year))s?" + _LAST,
    help="write a number and hours, days, weeks, months, quarters or years: 7 days",
    examples=("7 days", "1 week", "1 year"),
)
DAYS_ON = Text(
    "a length of calendar time of days or more",
    pattern=PERIOD.pattern.replace("hour|", ""),
    help="write a number and days, weeks, months, quarters or years: 30 days",
    examples=("30 days", "4 weeks"),
)
CARRY = Text(
    "a length of calendar time of days or more, or `always`",
    pattern=DAYS_ON.pattern.replace("^", "^(always|", 1).replace("s?", "s?)", 1),
    help="write a number and days, weeks, months, quarters or years: 7 days; or always",
    examples=("7 days", "always"),
)
SUBJECT_ID = Text(
    "the id of a subject",
    pattern=NAME.pattern,
    most=150,
    code="S105",
    help="write project_domain_subject, without version: cv_dash_course",
)
