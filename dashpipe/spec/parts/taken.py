"""What a subject takes by name: models, and metrics of a source."""

from __future__ import annotations

from typing import NamedTuple

from dashpipe.spec.model import NOWHERE, Origin
from dashpipe.spec.node import Map, Node
from dashpipe.spec.values import as_text, flag, optional


class Take(NamedTuple):
    """A metric that a subject takes from a source: ``minutes``, or ``{metric: reviews.minutes, as: …}``."""

    name: str
    source: str | None = None
    alias: str | None = None
    hidden: bool = False
    origin: Origin = NOWHERE

    @property
    def final(self) -> str:
        """The name that it has in the subject."""
        return self.alias or self.name


class Ref(NamedTuple):
    """A source that a subject takes from a model, by name."""

    name: str
    origin: Origin = NOWHERE


def build_taken(node: Node, origin: Origin) -> Take | None:
    """The metric that an item of a subject's list takes, ``None`` where the item defines one."""
    if isinstance(node, Map):
        name, alias = optional(node, "metric"), optional(node, "as")
        if name is None or node.get("type") is not None:
            return None
    else:
        name, alias = as_text(node), None
        if name is None:
            return None
    source, dot, metric = name.rpartition(".")
    return Take(metric, source if dot else None, alias, flag(node, "hidden"), origin)
