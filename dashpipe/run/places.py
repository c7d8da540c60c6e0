"""Where a subject's collections are: names from spec or environment, databases from connections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from dashpipe.compile.plan import Plan
from dashpipe.run import environment
from dashpipe.run.base import Place, Setup
from dashpipe.spec.model import EnvText, Grain
from dashpipe.spec.naming import collection_name


@dataclass(frozen=True, slots=True)
class Places:
    """The places of a run's sources, looked-up dimensions and targets, and the environment behind them.

    ``values`` is where kept values are, ``state`` where running states are.
    """

    sources: Mapping[str, Place]
    lookups: Mapping[str, Place]
    targets: Mapping[Grain, Place]
    values: Place | None
    state: Place | None
    environ: Mapping[str, str]

    @property
    def owned(self) -> dict[str, Place]:
        """What the subject owns, by what it is: the rows of a grain, kept values, or running states."""
        found = {grain.value: place for grain, place in self.targets.items()}
        more = {"values": self.values, "state": self.state}
        return found | {what: place for what, place in more.items() if place is not None}


def of_values(plan: Plan, targets: Mapping[Grain, Place]) -> Place | None:
    """Where the values that distinct counts count are kept: beside the finest grain's rows."""
    if not plan.kept:
        return None
    beside = targets[plan.grains[0]]
    return replace(beside, collection=f"{beside.collection}__values")


def of_state(plan: Plan, targets: Mapping[Grain, Place]) -> Place | None:
    """Where running states are kept: beside the finest grain's rows."""
    if not plan.running:
        return None
    beside = targets[plan.grains[0]]
    return replace(beside, collection=f"{beside.collection}__state")


def find(plan: Plan, setup: Setup) -> Places:
    """Resolve every name of a plan.

    Raises:
        Refused: A connection is not defined, or a value of the environment is not allowed or not fit.
    """
    subject = plan.subject
    values = environment.resolve(subject, setup.environ, setup.allow_env)

    def place(connection: str, collection: EnvText) -> Place:
        database = setup.connections.database(connection).name
        return Place(connection, database, environment.text(collection, values))

    target = place(subject.target.connection, subject.target.collection)
    targets = {
        grain: replace(target, collection=collection_name(target.collection, grain, subject.version))
        for grain in plan.grains
    }
    return Places(
        sources={one.name: place(one.connection, one.collection) for one in subject.sources},
        lookups={one.name: place(one.connection, one.lookup.collection) for one in plan.lookups},
        targets=targets,
        values=of_values(plan, targets),
        state=of_state(plan, targets),
        environ=values,
    )
