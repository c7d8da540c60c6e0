"""Whether a source can hold a time that is an array, told by its index.

To look for arrays is to look at every document: an array of dates stands in an index as its dates do. But
a server notes of an index whether it ever held an element of an array (is *multikey*), and plans tell it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pymongo.errors import OperationFailure

from dashpipe.compile import instant
from dashpipe.run import encode, explain
from dashpipe.spec.model import Time

if TYPE_CHECKING:
    from pymongo.collection import Collection

Document = dict[str, Any]


def none_in(collection: Collection[Document], time: Time, as_of: datetime) -> bool:
    """Whether no document's time, or a path on the way to it, is an array; false where that is not known.

    Args:
        collection: The source: no view.
        time: Its time.
        as_of: An instant, near which the plan is asked for.
    """
    (ranged, *_) = instant.between(time, [(as_of - timedelta(days=1), as_of)])
    query = {"find": collection.name, "filter": encode.to_bson(ranged["$match"])}
    try:
        answer = collection.database.command(
            "explain", query, verbosity="queryPlanner", read_preference=collection.read_preference
        )
    except OperationFailure:
        return False
    return without(answer, time.field)


def without(answer: Mapping[str, Any], field: str) -> bool:
    """Whether every access to documents in a plan is by a whole index of a field that held no array."""
    used = [
        one for one in explain.stages(answer.get("queryPlanner", answer)) if one["stage"] in explain.ACCESS
    ]
    return bool(used) and all(_single(one, field) for one in used)


def _single(access: Document, field: str) -> bool:
    some = any(access.get(option) is not False for option in ("isMultiKey", "isPartial", "isSparse"))
    return access["stage"] == "IXSCAN" and field in access.get("keyPattern", {}) and not some
