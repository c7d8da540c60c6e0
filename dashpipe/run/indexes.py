"""The indexes of a target collection: created before its first rows, left alone where they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from dashpipe.compile.advice import Index
from dashpipe.run.errors import Refused, translating

if TYPE_CHECKING:
    from pymongo.collection import Collection

Document = dict[str, Any]

#: What makes an index with our fields another one: fewer rows, rows refused or deleted, another order.
_OTHER = ("unique", "sparse", "partialFilterExpression", "expireAfterSeconds", "collation", "hidden")


def ensure(collection: Collection[Document], wanted: Iterable[Index]) -> list[str]:
    """Create the indexes that are not there, and say their names.

    Raises:
        Refused: One is there that conflicts: says which, and what to do.
    """
    from pymongo import IndexModel

    with translating(f"creating the indexes of {collection.name}"):
        present = collection.index_information()
        missing = [one for one in wanted if not _is_there(collection.name, one, present)]
        if missing:
            collection.create_indexes([IndexModel(list(one.fields), name=one.name) for one in missing])
    return [one.name for one in missing]


def _is_there(collection: str, wanted: Index, present: Mapping[str, Any]) -> bool:
    fields = [tuple(one) for one in wanted.fields]
    for name, about in present.items():
        if [tuple(one) for one in about["key"]] == fields:
            odd = [option for option in _OTHER if about.get(option) not in (None, False)]
            if not odd:
                return True
            raise _conflict(collection, wanted, name, f"is {', '.join(odd)}")
        if name == wanted.name:
            raise _conflict(collection, wanted, name, f"has other fields ({_said(about['key'])})")
    return False


def _conflict(collection: str, wanted: Index, name: str, why: str) -> Refused:
    return Refused(
        f"the index {name} of {collection} {why}; {wanted.why} needs a plain one on {_said(wanted.fields)}",
        f'drop it: db.{collection}.dropIndex("{name}")',
    )


def _said(fields: Iterable[Any]) -> str:
    return ", ".join(f"{field}: {way}" for field, way in fields)
