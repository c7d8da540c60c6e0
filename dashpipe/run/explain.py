"""What the server says of a plan's scans: which index serves each source's filter, and how much it reads.

The filters that a pipeline begins with are explained: servers plan these together, as they plan a query.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from pymongo.errors import OperationFailure

from dashpipe.compile import advice, canonical, emit
from dashpipe.run import encode, places
from dashpipe.run.errors import translating

if TYPE_CHECKING:
    from pymongo.database import Database

    from dashpipe.compile.plan import Plan
    from dashpipe.run.base import Setup
    from dashpipe.spec.model import Grain

Document = dict[str, Any]

#: How long the server may look at documents for this.
_PATIENCE = 10_000

#: What an access to documents is called, the most telling first.
ACCESS = ("COLLSCAN", "CLUSTERED_IXSCAN", "EXPRESS_IXSCAN", "EXPRESS_CLUSTERED_IXSCAN", "IXSCAN", "EOF")


@dataclass(frozen=True, slots=True)
class Explained:
    """What the server says of one scan.

    Attributes:
        source: The source.
        grain: The first grain whose scan it is.
        access: ``IXSCAN``, ``COLLSCAN`` and the like; empty where the server does not say.
        index: The index that serves it; empty: none.
        returned: Documents that pass; ``None`` where the server does not count.
        examined: Documents that are read for that.
        said: The finding in words.
        help: What to do about it; empty: nothing.
    """

    source: str
    grain: str
    access: str
    index: str
    returned: int | None
    examined: int | None
    said: str
    help: str


def explained(plan: Plan, setup: Setup, labels: dict[Grain, tuple[str, ...]]) -> Iterator[Explained]:
    """Ask the servers about every scan of a plan, each filter once.

    Args:
        plan: The plan.
        setup: Where it runs.
        labels: The partitions of each grain.

    Raises:
        RunError: A server cannot be reached, or a name cannot be resolved.
    """
    found = places.find(plan, setup)
    for source in plan.sources:
        place = found.sources[source.name]
        database = setup.connections.client(place.connection)[place.database]
        seen: set[str] = set()
        for grain in plan.grains:
            for stages in emit.scan(plan, grain, source.name, labels[grain], None):
                filters = list(takewhile(lambda one: "$match" in one, stages))
                text = canonical.to_text(filters)
                if text not in seen:
                    seen.add(text)
                    with translating(f"asking how {source.name} is read"):
                        yield _one(plan, source.name, grain, database, place.collection, filters)


def _one(
    plan: Plan, source: str, grain: Grain, database: Database[Document], name: str, filters: list[Document]
) -> Explained:
    wanted = advice.of_source(plan.source(source))
    fields = ", ".join(f"{field}: {way}" for field, way in wanted.fields)
    whole = wanted.fields == (("_id", 1),)  # a snapshot without filters
    create = "" if whole else f"db.{name}.createIndex({{{fields}}})"
    query = {"aggregate": name, "pipeline": encode.to_bson(filters), "cursor": {}, "maxTimeMS": _PATIENCE}
    answer, why = _ask(database, query)
    about = (source, grain.value)
    if answer is None:
        return Explained(*about, "", "", None, None, f"the server does not explain: {why}", "")
    access, index, pattern = _access(answer)
    returned, examined = _counted(answer)
    read = "" if examined is None else f": {examined} documents read for {returned} that pass"
    if access == "EOF":
        return Explained(*about, access, "", returned, examined, "there is no such collection", "")
    if not access:
        return Explained(*about, "", "", returned, examined, f"the server names no access{read}", "")
    if access == "COLLSCAN":
        return Explained(*about, access, "", returned, examined, f"no index: all of it is read{read}", create)
    fits = pattern[: len(wanted.fields)] == [field for field, _ in wanted.fields]
    better = "" if fits or not pattern else create
    said = f"{access} by {index or 'its own order'}{read}{why}"
    return Explained(*about, access, index, returned, examined, said, better)


def _ask(database: Database[Document], query: Document) -> tuple[Document | None, str]:
    """The answer with numbers, else without them, else why there is none."""
    try:
        return database.command("explain", query, verbosity="executionStats"), ""
    except OperationFailure as error:
        first = error
    try:
        plain = {name: one for name, one in query.items() if name != "maxTimeMS"}
        answer = database.command("explain", plain, verbosity="queryPlanner")
        return answer, f" (the server gives no numbers: {_words(first)})"
    except OperationFailure as error:
        return None, _words(error)


def _words(error: OperationFailure) -> str:
    return str((error.details or {}).get("errmsg") or error).splitlines()[0]


def _access(answer: Document) -> tuple[str, str, list[str]]:
    """How documents are come by, the index's name and its fields; of several shards the worst."""
    found = list(stages(answer.get("queryPlanner", answer)))
    for access in ACCESS:
        for one in found:
            if one["stage"] == access:
                pattern = one.get("keyPattern") or {}
                index = str(one.get("indexName") or "_".join(f"{key}_{way}" for key, way in pattern.items()))
                return access, index, list(pattern)
    return "", "", []


def stages(value: Any) -> Iterator[Document]:
    """Every stage of the winning plans, at any depth; rejected plans are none."""
    if isinstance(value, list):
        for one in value:
            yield from stages(one)
    elif isinstance(value, dict):
        if isinstance(value.get("stage"), str):
            yield value
        for name, one in value.items():
            if name not in ("rejectedPlans", "parsedQuery", "filter"):
                yield from stages(one)


def _counted(answer: Document) -> tuple[int | None, int | None]:
    each = answer["shards"].values() if "shards" in answer else [answer]
    stats = [one.get("executionStats") or {} for one in each]
    if not all("totalDocsExamined" in one for one in stats):
        return None, None
    returned, examined = (sum(int(one[name]) for one in stats) for name in ("nReturned", "totalDocsExamined"))
    return returned, examined
