"""From Airflow's context to a request for a run: who runs, why, and for which dates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timezone
from typing import TYPE_CHECKING, Any

from dashpipe.airflow._compat import run_kind
from dashpipe.run.base import Request
from dashpipe.run.errors import Refused
from dashpipe.spec import codec

if TYPE_CHECKING:
    from dashpipe.compile.entry import Entry

#: The only keys that a run's conf may have.
KEYS = ("from", "to", "allow_removal")

_EXAMPLE = '{"from": "2024-03-01", "to": "2024-03-08", "allow_removal": false}'


def request(entry: Entry, context: Mapping[str, Any]) -> Request:
    """What a task asks of a run.

    Args:
        entry: The manifest entry.
        context: Airflow's context of the task.

    Raises:
        Refused: The run's conf has other keys than these, or another value in one: says what to write.
    """
    run = context["dag_run"]
    conf = checked(run.conf or {})
    kind = run_kind(run.run_type)
    described = entry["dag"]
    return Request(
        subject=codec.from_json(entry["subject"]),
        run_id=f"{entry['dag_id']}/{context['run_id']}",
        kind=kind,
        start=conf["from"],
        end=conf["to"],
        logical_date=_instant(context, "logical_date") if kind == "manual" else None,
        interval_end=_instant(context, "data_interval_end") if kind in ("scheduled", "backfill") else None,
        upstream=tuple((described["schedule"] or {}).get("after", ())) if kind == "asset" else (),
        allow_removal=conf["allow_removal"],
        again_after=again_after(described["options"]),
    )


def _instant(context: Mapping[str, Any], name: str) -> datetime | None:
    """An instant of the context, as Python's own type: a copy of pendulum's may lose its zone."""
    value = context.get(name)
    if value is None:
        return None
    plain = datetime.fromisoformat(value.isoformat())
    return plain if plain.tzinfo is not None else plain.replace(tzinfo=timezone.utc)


def checked(conf: Mapping[str, Any]) -> dict[str, Any]:
    """The conf of a run, each key there and of its type.

    Raises:
        Refused: A key is not known, or a value is not what it stands for.
    """
    help = f"write, for instance, {_EXAMPLE}"
    unknown = sorted(set(map(str, conf)) - set(KEYS))
    if unknown:
        raise Refused(f"the run's conf has the key `{unknown[0]}`; it may have {', '.join(KEYS)} only", help)
    allowed = conf.get("allow_removal", False)
    if not isinstance(allowed, bool):
        raise Refused("`allow_removal` in the run's conf is neither true nor false", help)
    return {"from": _date(conf, "from", help), "to": _date(conf, "to", help), "allow_removal": allowed}


def _date(conf: Mapping[str, Any], key: str, help: str) -> date | None:
    value = conf.get(key)
    if value is None:
        return None
    try:
        return date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else _no_date()
    except ValueError:
        raise Refused(f"`{key}` in the run's conf is no date", help) from None


def _no_date() -> date:
    raise ValueError


def again_after(options: Mapping[str, Any]) -> float:
    """The seconds that pauses between tries may come to, so that the lease outlasts them.

    Each pause doubles, and Airflow adds up to as much again, so that tasks do not come back all at once.
    """
    longest = max(3600, options["retry_delay"])
    return float(
        sum(min(2 * options["retry_delay"] * 2**tried, longest) for tried in range(options["retries"]))
    )
