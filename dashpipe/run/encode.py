"""What the compiler emits, as the driver takes it, and the comment that marks every operation of a run."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bson.decimal128 import Decimal128
from bson.objectid import ObjectId

from dashpipe.compile import canonical


def to_bson(value: Any) -> Any:
    """A value with its decimals and object ids as the driver's, at any depth; containers are new."""
    if isinstance(value, Decimal):
        return Decimal128(value)
    if isinstance(value, canonical.ObjectId):
        return ObjectId(value.hex)
    if isinstance(value, dict):
        return {name: to_bson(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_bson(one) for one in value]
    return value


def comment_prefix(run_id: str) -> str:
    """What the comments of a run's operations begin with."""
    return f"dashpipe {run_id} "


def comment(run_id: str, step: str, spec_hash: str = "") -> str:
    """The comment of an operation: it shows in the server's log and profiler, and tells whose it is."""
    return f"{comment_prefix(run_id)}{step} {spec_hash[:8]}".rstrip()
