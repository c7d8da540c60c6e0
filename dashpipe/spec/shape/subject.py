"""The keys of a subject."""

from __future__ import annotations

from dashpipe.spec.model import WEEKDAYS, AirflowOptions
from dashpipe.spec.shape.calendar import CALENDAR
from dashpipe.spec.shape.kinds import Either, Flag, Key, Keys, ListOf, Null, Number, Text, Words
from dashpipe.spec.shape.metric import SUBJECT_METRIC
from dashpipe.spec.shape.quality import CHECK
from dashpipe.spec.shape.source import LOOKUP, SOURCE
from dashpipe.spec.shape.texts import (
    COLLECTION_OR_ENV,
    CONNECTION,
    DURATION,
    NAME,
    PLAIN,
    REF,
    SOME,
    SUBJECT_ID,
)
from dashpipe.spec.shape.words import GRAIN

DATE = Text("a date", least=1, help="write the first local day as YYYY-MM-DD", examples=("2024-01-01",))
_ZONE = Text(
    "a time zone", least=1, help="write an IANA name: Europe/Berlin", examples=("Europe/Berlin", "UTC")
)

_SCHEDULE = Either(
    (
        Null(),
        Text(
            "a schedule",
            least=1,
            help="write cron in quotes, a preset such as @daily in quotes, or none",
            examples=("15 3 * * *", "@daily", "none"),
        ),
        Keys(
            "schedule",
            (
                Key(
                    "after",
                    ListOf(SUBJECT_ID),
                    "Ids of subjects, without version: run when these have published.",
                    required=True,
                ),
            ),
        ),
    )
)

DAYS = Number(least=0, help="write a number of days, 1 or more")
_LOOKBACK = Either(
    (
        DAYS,
        Keys(
            "lookback",
            (
                Key("dense", DAYS, "Every day this far back.", default="3"),
                Key(
                    "sparse",
                    ListOf(Number(least=1), least=0),
                    "Single days, so many days back.",
                    default="[]",
                ),
            ),
            some=("dense", "sparse"),
        ),
    )
)

_DIMENSION = Either(
    (
        NAME,
        Keys(
            "dimension",
            (
                Key("name", NAME, "The dimension's name: a column of the row.", required=True),
                Key(
                    "lookup",
                    LOOKUP,
                    "Look its value up in another collection; it is then no part of the row's key.",
                ),
                Key("description", PLAIN, "What it is, for people.", default="the source's"),
            ),
            foreign=(
                ("expr", "an expression belongs to the `dimensions` of a source: here stands the name alone"),
            ),
        ),
    )
)

_VERSION = Number(
    least=1, help="write 1; a breaking change takes the next whole number, in a file of its own"
)

_QUERY = Keys(
    "query",
    (
        Key("equal", ListOf(REF, least=0), "Columns that are compared with one value.", default="[]"),
        Key("range", REF, "The column that is asked from … to, usually partition_date."),
    ),
    some=("equal", "range"),
)

_TARGET = Keys(
    "target",
    (
        Key(
            "collection",
            COLLECTION_OR_ENV,
            "The collection of the day's rows; other grains add _hour, _week, _month, ….",
            default="<domain>_<subject>",
        ),
        Key("connection", CONNECTION, "The connection to its database.", default="target"),
        Key(
            "queries",
            ListOf(_QUERY, least=0),
            "What dashboards ask; the indexes follow from it.",
            default="[]",
        ),
        Key(
            "retention_days",
            Number(least=1, help="write a number of days: two years are 730"),
            "Rows older than this are pruned.",
            default="kept for ever",
        ),
        Key(
            "max_removed",
            Number(whole=False, least=0, most=1, help="write a share from 0 to 1: 20 % is 0.2"),
            "The share of stored rows that a run may remove without --allow-removal.",
            default="0.2",
        ),
    ),
    short="collection",
)

_SECONDS = Either((Number(least=1, help="write 1 second or more"), DURATION))
_AS = AirflowOptions()

#: The keys of `airflow:` and of `[airflow]` in dashpipe.toml.
AIRFLOW_KEYS = (
    Key("pool", SOME, "The pool of the tasks.", default="Airflow's default_pool"),
    Key("queue", SOME, "The queue of the tasks.", default="Airflow's"),
    Key(
        "retries",
        Number(least=0, most=100, help="write 0 to 100"),
        "How often a task is tried again.",
        default=str(_AS.retries),
    ),
    Key(
        "retry_delay",
        _SECONDS,
        "The first wait before it is; it doubles each time. Seconds, or text: 5m.",
        default=f"{_AS.retry_delay}s",
    ),
    Key(
        "step_timeout",
        _SECONDS,
        "The longest that one task may take.",
        default=f"{_AS.step_timeout // 3600}h",
    ),
    Key(
        "run_timeout",
        _SECONDS,
        "The longest that one run may take.",
        default=f"{_AS.run_timeout // 3600}h",
    ),
    Key("paused", Flag(), "Whether the DAG is paused when Airflow first sees it.", default="false"),
    Key(
        "on_broken",
        Words(("last_good", "stub")),
        "What a broken spec does: run as it last was, or fail.",
        default="last_good",
    ),
)

#: Keys that a subject has, and that `[defaults]` in dashpipe.toml may give.
DEFAULTS = (
    Key("project", NAME, "The project: the first part of the subject's id."),
    Key("domain", NAME, "The domain: the second part of the subject's id.", default="the folder's name"),
    Key("owner", PLAIN, "Who answers for it: a team."),
    Key("timezone", _ZONE, "The IANA time zone whose days are counted."),
    Key(
        "week_start",
        Words(WEEKDAYS, also=tuple((one[:3], one) for one in WEEKDAYS)),
        "The first day of a week.",
        default="monday",
    ),
    Key("start", DATE, "The first local day that is computed, YYYY-MM-DD."),
    Key(
        "lookback_days",
        _LOOKBACK,
        "Days before a run's end that are computed again, for late documents; or `{dense, sparse}`.",
        default="3",
    ),
    Key(
        "catch_up_days",
        DAYS,
        "After an outage, missed days up to this far back are computed by the next run.",
        default="31",
    ),
)

_GIVEN = {one.name: one for one in DEFAULTS}

SUBJECT = Keys(
    "subject",
    (
        Key("dashpipe", Words((1,)), "The version of the spec language.", required=True),
        _GIVEN["project"],
        _GIVEN["domain"],
        Key("subject", NAME, "The subject's name: the third part of its id.", required=True),
        Key("version", _VERSION, "The major version: the last part of its id.", default="1"),
        _GIVEN["owner"],
        Key("description", PLAIN, "What one row is, and for whom.", default="empty"),
        Key("tags", ListOf(SOME, least=0), "Tags of its DAG.", default="[]"),
        _GIVEN["timezone"],
        _GIVEN["week_start"],
        Key(
            "calendar",
            CALENDAR,
            "What the fiscal grains follow from: `{fiscal_first_month: 7}` or `{file: …}`.",
        ),
        _GIVEN["start"],
        Key(
            "schedule",
            _SCHEDULE,
            "Cron in `timezone`, a preset such as @daily, none, or `{after: [ids]}`.",
            default="none",
        ),
        _GIVEN["lookback_days"],
        _GIVEN["catch_up_days"],
        Key(
            "sources",
            ListOf(Either((REF, SOURCE))),
            "Models by name, or sources defined here.",
            required=True,
        ),
        Key(
            "dimensions",
            ListOf(_DIMENSION, least=0),
            "The key of a row, and what is looked up for it.",
            default="[]",
        ),
        Key("grains", ListOf(GRAIN), "The time grains: one collection each.", default="[day]"),
        Key(
            "metrics",
            ListOf(SUBJECT_METRIC),
            "Metrics of the sources by name, or defined here.",
            required=True,
        ),
        Key("target", _TARGET, "Where the rows go.", default="the defaults of its keys"),
        Key("checks", ListOf(CHECK, least=0), "What must hold before rows are published.", default="[]"),
        Key(
            "airflow",
            Keys("airflow block", AIRFLOW_KEYS),
            "What its DAG takes instead of `[airflow]` in dashpipe.toml.",
        ),
    ),
)
