"""The settings of a project: ``dashpipe.toml`` to `Config`, with findings at their places."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from dashpipe.spec.characters import not_utf8
from dashpipe.spec.codes import finding
from dashpipe.spec.duration import seconds
from dashpipe.spec.model import AirflowOptions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dashpipe.spec.diagnostic import Diagnostic


class Defaults(NamedTuple):
    """``[defaults]``: what holds for subjects that do not say it; ``None``: the settings do not either."""

    project: str | None = None
    domain: str | None = None
    timezone: str | None = None
    week_start: str | None = None
    owner: str | None = None
    start: str | None = None
    lookback_days: int | None = None
    catch_up_days: int = 31


class Allow(NamedTuple):
    """``[allow]``: what specs may reach beyond themselves; ``env`` and ``files`` are patterns with ``*``."""

    env: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


class Config(NamedTuple):
    """The settings of a project. ``metrics`` is the folder of its specs, below that of ``dashpipe.toml``."""

    metrics: str = "metrics"
    defaults: Defaults = Defaults()
    airflow: AirflowOptions = AirflowOptions()
    allow: Allow = Allow()


def load_config(path: Path) -> tuple[Config, tuple[Diagnostic, ...]]:
    """Read ``dashpipe.toml``; where there is none, all defaults hold.

    Args:
        path: The file.

    Returns:
        The settings, as far as they can be read, and what is wrong with them. What is wrong has its default.
    """
    from dashpipe.spec.diagnostic import Span

    name = path.name
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return Config(), ()
    except UnicodeDecodeError as error:
        return Config(), (not_utf8(bytes(error.object), error, name),)
    except OSError as error:
        message = f"this file cannot be read: {error.strerror}"
        return Config(), (finding("Y001", message, name, Span(1, 1, 1, 1), "mend its rights"),)
    return read_config(text, name)


def read_config(text: str, name: str) -> tuple[Config, tuple[Diagnostic, ...]]:
    """The settings in the text of ``dashpipe.toml``, and what is wrong with them."""
    # TOML allows line ends of both kinds.
    text = text.replace("\r\n", "\n")
    try:
        given = parse(text)
    except (ValueError, RecursionError) as error:
        return Config(), (_syntax(text, name, str(error)),)
    from dashpipe.spec.shape.settings import SETTINGS
    from dashpipe.spec.shape.walk import Checker
    from dashpipe.spec.toml_places import tree

    checker = Checker(name)
    checker.keys(tree(text, given), SETTINGS, ())
    findings = tuple(sorted(checker.findings, key=lambda one: one.sort_key))
    wrong = {one.path[:2] for one in findings}
    return _config(given, wrong), findings


def parse(text: str) -> dict[str, Any]:
    """The values of a TOML text.

    Raises:
        ValueError: It is no TOML.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]
    values: dict[str, Any] = tomllib.loads(text)
    return values


def airflow_options(base: AirflowOptions, given: Mapping[str, Any]) -> AirflowOptions:
    """The options of ``airflow:`` or ``[airflow]`` over others; durations become seconds."""
    times = ("retry_delay", "step_timeout", "run_timeout")
    values: dict[str, Any] = {
        name: seconds(value) if name in times else value for name, value in given.items()
    }
    values = {name: value for name, value in values.items() if value is not None}
    return replace(base, **values)


def _config(given: dict[str, Any], wrong: set[tuple[str | int, ...]]) -> Config:
    """The settings without what is wrong in them."""

    def table(name: str) -> dict[str, Any]:
        if (name,) in wrong or not isinstance(given.get(name), dict):
            return {}
        return {key: value for key, value in given[name].items() if (name, key) not in wrong}

    defaults: dict[str, Any] = {
        key: str(value) if key == "start" else value for key, value in table("defaults").items()
    }
    allow = {key: tuple(value) for key, value in table("allow").items()}
    metrics = given.get("metrics", "metrics")
    return Config(
        metrics="metrics" if ("metrics",) in wrong else metrics,
        defaults=Defaults(**defaults),
        airflow=airflow_options(AirflowOptions(), table("airflow")),
        allow=Allow(**allow),
    )


def _syntax(text: str, name: str, said: str) -> Diagnostic:
    """The finding for what is no TOML."""
    from dashpipe.spec.diagnostic import Span
    from dashpipe.spec.offsets import span

    match = re.search(r" \(at (?:line (\d+), column (\d+)|(end of document))\)", said)
    if match is None:
        place = Span(1, 1, 1, 1)
    elif match[3]:
        place = span(text, len(text.rstrip()), len(text.rstrip()))
    else:
        line, column = int(match[1]), int(match[2])
        last = len(text.split("\n")[line - 1]) + 1
        place = Span(line, min(column, last), line, min(column + 1, last))
    message = said[: match.start()] if match else said
    message = f"this cannot be read as TOML: {message[:1].lower()}{message[1:]}"
    return finding("Y001", message, name, place, 'write `key = value`, and text in quotes: owner = "team"')
