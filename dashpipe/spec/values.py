"""Values of a spec's nodes, read without complaint: what is of another kind is as if it were not there.

The shape rules have said so already; what can be built is built, so that the other rules see the rest.
"""

from __future__ import annotations

from collections.abc import Iterator

from dashpipe.spec.model import Env, EnvText, Grain, Origin, Period
from dashpipe.spec.node import Map, Node, Scalar, Seq

_GRAINS = {one.value: one for one in Grain}


def child(node: Node | None, key: str) -> Node | None:
    """The value of a key, where the node is a mapping that has it."""
    return node.get(key) if isinstance(node, Map) else None


def as_text(node: Node | None) -> str | None:
    """The text of a scalar as it stands there (``1.50`` stays so); ``None`` for null or no scalar."""
    if not isinstance(node, Scalar) or node.value is None:
        return None
    return node.value if isinstance(node.value, str) else node.text


def text(node: Node | None, key: str, default: str = "") -> str:
    """The text of a key, else the default."""
    found = as_text(child(node, key))
    return default if found is None else found


def optional(node: Node | None, key: str) -> str | None:
    """The text of a key, else ``None``."""
    return as_text(child(node, key))


def whole(node: Node | None) -> int | None:
    """A whole number."""
    value = node.value if isinstance(node, Scalar) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def number(node: Node | None) -> float | None:
    """A number, as it stands there."""
    value = node.value if isinstance(node, Scalar) else None
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def share(node: Node | None) -> str | None:
    """A number by its decimal text, without an exponent and without zeros at its end: ``0.90`` is 0.9."""
    if not isinstance(node, Scalar) or isinstance(node.value, bool) or number(node) is None:
        return None
    from decimal import Decimal, InvalidOperation

    try:
        return f"{Decimal(node.text).normalize():f}"
    except InvalidOperation:  # hexadecimal and the like: what it is worth
        return f"{Decimal(str(node.value)).normalize():f}"


def flag(node: Node | None, key: str) -> bool:
    """Whether a key is true."""
    value = child(node, key)
    return isinstance(value, Scalar) and value.value is True


def entries(node: Node | None, origin: Origin) -> Iterator[tuple[Node, Origin]]:
    """The items of a list, each with its origin; none where the node is no list."""
    if isinstance(node, Seq):
        for index, one in enumerate(node.items):
            yield one, origin.at(index)


def texts(node: Node | None) -> tuple[str, ...]:
    """The texts of a list."""
    if not isinstance(node, Seq):
        return ()
    return tuple(value for value in map(as_text, node.items) if value is not None)


def grains(node: Node | None) -> tuple[Grain, ...] | None:
    """The grains of a list, else ``None``."""
    if not isinstance(node, Seq):
        return None
    return tuple(_GRAINS[one] for one in texts(node) if one in _GRAINS)


def grain(node: Node | None) -> Grain | None:
    """A grain."""
    return _GRAINS.get(as_text(node) or "")


def env_text(node: Node | None) -> EnvText | None:
    """A text, or ``{env: NAME, default: TEXT}``."""
    if isinstance(node, Map):
        name = optional(node, "env")
        return None if name is None else Env(name, optional(node, "default"))
    return as_text(node)


def period(node: Node | None) -> Period | None:
    """A length of calendar time: ``7 days``, ``1 week``."""
    count, _, unit = (as_text(node) or "").partition(" ")
    unit = unit.removesuffix("s")
    return Period(int(count), unit) if count.isdecimal() and unit in _GRAINS else None


def carry(node: Node | None) -> Period | str | None:
    """A length of calendar time, or ``always``."""
    return "always" if as_text(node) == "always" else period(node)
