"""Settings: what dashpipe.toml may say, what holds without it, and where its mistakes are."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashpipe.spec.diagnostic import Span
from dashpipe.spec.duration import seconds
from dashpipe.spec.model import AirflowOptions
from dashpipe.spec.toml import Allow, Config, Defaults, load_config, read_config

WHOLE = """
metrics = "specs"

[defaults]
project = "cv"
domain = "dash"
timezone = "Asia/Shanghai"
week_start = "sunday"
owner = "team"
start = 2024-01-01   # a date of TOML
lookback_days = 5
catch_up_days = 10

[airflow]
pool = "mongo"
queue = "small"
retries = 1
retry_delay = 30
step_timeout = "20m"
run_timeout = "2 h"
paused = true
on_broken = "stub"

[allow]
env = ["CV_*", "DASH_*"]
files = ["calendars/*.csv"]
hosts = ["example.com"]
"""


def test_every_setting() -> None:
    """Each key of the settings is read; durations become seconds, a date its text."""
    assert read_config(WHOLE, "dashpipe.toml") == (
        Config(
            "specs",
            Defaults("cv", "dash", "Asia/Shanghai", "sunday", "team", "2024-01-01", 5, 10),
            AirflowOptions("mongo", "small", 1, 30, 1200, 7200, True, "stub"),
            Allow(("CV_*", "DASH_*"), ("calendars/*.csv",), ("example.com",)),
        ),
        (),
    )


def test_without_settings(tmp_path: Path) -> None:
    """Without a file, and with an empty one, the defaults hold: 31 days of catching up, nothing allowed."""
    (tmp_path / "empty.toml").write_text("")
    assert load_config(tmp_path / "absent.toml") == load_config(tmp_path / "empty.toml") == (Config(), ())
    assert Config().defaults.catch_up_days == 31
    assert Config().allow == Allow((), (), ())


PLACES = [
    ("metrics = 7\n", "S103", "7"),
    ('metric = "x"\n', "S101", "metric"),
    ('[default]\nproject = "x"\n', "S101", "default"),
    ('[defaults]\ntime_zone = "x"\n', "S101", "time_zone"),
    ('[defaults]\nproject = "Big"\n', "S105", '"Big"'),
    ('[defaults]  # here\nproject = "select" # there\n', "S105", '"select"'),
    ("[defaults]\nlookback_days = '3'\n", "S103", "'3'"),
    ("[defaults]\nlookback_days = -1\n", "S106", "-1"),
    ("[defaults]\nlookback_days = 1.5\n", "S103", "1.5"),
    ("[airflow]\nretry_delay = 'soon'\n", "S109", "'soon'"),
    ("[airflow]\npaused = 'no'\n", "S103", "'no'"),
    ("[airflow]\non_broken = 'skip'\n", "S104", "'skip'"),
    ("[allow]\nenv = 'CV_*'\n", "S103", "'CV_*'"),
    ("[allow]\nenv = ['CV_*', 7]\n", "S103", "['CV_*', 7]"),
    ("defaults.owner = 7\n", "S103", "7"),
    ("defaults = {owner = 7}\n", "S103", "{owner = 7}"),
    ("defaults = 7\n", "S103", "7"),
    ("[a]\nowner = 1\n\n[defaults]\nowner = 2\n", "S101", "a"),
    ("# owner = 1\n[defaults]\nowner = 2\n", "S103", "2"),
    ("a = = 1\n", "Y001", "="),
    ('metrics = "x\n', "Y001", ""),
    ("[defaults]\n\n[defaults]\n", "Y001", ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code", "place"), PLACES, ids=[one[0].replace("\n", " ") for one in PLACES])
def test_mistakes_have_their_place(text: str, code: str, place: str) -> None:
    """A mistake in the settings has its code at the key or value that is wrong, and its default holds."""
    config, findings = read_config(text, "dashpipe.toml")
    first = findings[0]
    assert first.code == code
    assert first.help
    lines = text.split("\n")
    assert first.span.line == first.span.end_line
    if place:
        assert lines[first.span.line - 1][first.span.column - 1 : first.span.end_column - 1] == place
    assert config == Config()


def test_the_rest_holds_beside_a_mistake() -> None:
    """One wrong setting takes no other with it."""
    config, findings = read_config(
        '[defaults]\nproject = "cv"\nlookback_days = "x"\n[airflow]\nretries = 5\n', "f"
    )
    assert len(findings) == 1
    assert config.defaults == Defaults(project="cv")
    assert config.airflow == AirflowOptions(retries=5)


def test_windows_line_ends() -> None:
    """Line ends of Windows change nothing."""
    assert read_config(WHOLE.replace("\n", "\r\n"), "f") == read_config(WHOLE, "f")


def test_not_utf8(tmp_path: Path) -> None:
    """Settings that are not UTF-8 have a finding at the wrong byte."""
    (tmp_path / "dashpipe.toml").write_bytes(b'metrics = "\xff"\n')
    config, findings = load_config(tmp_path / "dashpipe.toml")
    assert config == Config()
    assert [(one.code, one.file, one.span) for one in findings] == [
        ("Y017", "dashpipe.toml", Span(1, 12, 1, 13))
    ]


def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    """What cannot be read as a file is a finding, no exception."""
    assert [one.code for one in load_config(tmp_path)[1]] == ["Y001"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (90, 90),
        ("90s", 90),
        ("5m", 300),
        ("5 m", 300),
        ("2h", 7200),
        ("1d", 86400),
        ("0s", None),
        ("1w", None),
        ("", None),
        (True, None),
        (1.5, None),
    ],
)
def test_durations(value: object, expected: int | None) -> None:
    """A duration is seconds, or a number with its unit."""
    assert seconds(value) == expected
