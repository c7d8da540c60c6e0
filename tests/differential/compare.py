"""When rows are equal: all exactly and of the same type, save doubles: these to 1e-9 relative."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from tests.differential.documents import Document


def differences(wanted: Mapping[str, Document], found: Iterable[Document]) -> list[str]:
    """What is different, a sentence each. Fields with ``_`` in front do not count."""
    said: list[str] = []
    rows: dict[str, Document] = {}
    for row in found:
        if row["_id"] in rows:
            said.append(f"{row['_id']!r} is there twice")
        rows[row["_id"]] = {name: value for name, value in row.items() if name == "_id" or name[0] != "_"}
    said += [f"{one!r} is missing" for one in wanted if one not in rows]
    said += [f"{one!r} should not be there" for one in rows if one not in wanted]
    for one in wanted.keys() & rows.keys():
        mine, theirs = wanted[one], rows[one]
        if mine.keys() != theirs.keys():
            said.append(f"{one!r} differs in its fields {sorted(mine.keys() ^ theirs.keys())}")
        for name in mine.keys() & theirs.keys():
            if not same(mine[name], theirs[name]):
                kind = type(theirs[name]).__name__
                said.append(f"{one!r}.{name} should be {mine[name]!r} and is {theirs[name]!r} ({kind})")
    return said


def same(mine: Any, theirs: Any) -> bool:
    """Whether two values are equal, and of one BSON type."""
    if type(mine) is not type(theirs):
        return False
    if isinstance(mine, list):
        return len(mine) == len(theirs) and all(map(same, mine, theirs))
    if isinstance(mine, dict):
        return list(mine) == list(theirs) and all(same(value, theirs[name]) for name, value in mine.items())
    if isinstance(mine, float):
        return math.isclose(mine, theirs, rel_tol=1e-9, abs_tol=1e-12)
    return bool(mine == theirs)
