"""The keys of dashpipe.toml."""

from __future__ import annotations

from dashpipe.spec.shape.kinds import Key, Keys, ListOf
from dashpipe.spec.shape.subject import AIRFLOW_KEYS, DAYS, DEFAULTS
from dashpipe.spec.shape.texts import SOME

_LOOKBACK = Key(
    "lookback_days", DAYS, "Days before a run's end that are computed again, for late documents.", default="3"
)

SETTINGS = Keys(
    "dashpipe.toml",
    (
        Key("metrics", SOME, "The folder of the spec files, below that of dashpipe.toml.", default="metrics"),
        Key(
            "defaults",
            Keys("[defaults]", (*(one for one in DEFAULTS if one.name != _LOOKBACK.name), _LOOKBACK)),
            "What holds for subjects that do not say it.",
        ),
        Key(
            "airflow", Keys("[airflow]", AIRFLOW_KEYS), "What DAGs take; a subject's `airflow:` overrides it."
        ),
        Key(
            "allow",
            Keys(
                "[allow]",
                (
                    Key(
                        "env",
                        ListOf(SOME, least=0),
                        "Environment variables that specs may read: patterns with *.",
                        default="[]",
                    ),
                    Key(
                        "files",
                        ListOf(SOME, least=0),
                        "Files that specs may name: patterns with *.",
                        default="[]",
                    ),
                    Key("hosts", ListOf(SOME, least=0), "Hosts that specs may reach.", default="[]"),
                ),
            ),
            "What specs may reach beyond themselves; nothing without it.",
        ),
    ),
)
