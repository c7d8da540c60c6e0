"""Stages that change what a run goes by: the document's time, and its ``_id``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from dashpipe.spec.mongo.refuse import Path, Refusal


def changes(stages: Iterable[dict[str, Any]], kept: tuple[str, ...]) -> Iterator[Refusal]:
    """Where stages change fields that must stay as they are stored.

    Args:
        stages: The stages, none of which is refused otherwise.
        kept: The paths of those fields.
    """
    for at, stage in enumerate(stages):
        ((name, value),) = stage.items()
        here: Path = (at, name)
        if name == "$set":
            for field in value:
                yield from _written(field, kept, (*here, field), on_key=True)
        elif name == "$unset":
            for field in value if isinstance(value, list) else [value]:
                yield from _written(field, kept, here)
        elif name == "$unwind":
            fields = (
                [value] if isinstance(value, str) else [value["path"], value.get("includeArrayIndex", "")]
            )
            for field in fields:
                yield from _written(field.removeprefix("$"), kept, here)
        elif name == "$lookup":
            yield from _written(value["as"], kept, (*here, "as"))
        elif name == "$project":
            yield from _project(value, kept, here)
        elif name == "$replaceWith":
            yield from _replaced(value, kept, here)


def _meet(one: str, other: str) -> bool:
    """Whether two paths are the same, or one lies in the other."""
    return f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")


def _written(field: str, kept: tuple[str, ...], at: Path, *, on_key: bool = False) -> Iterator[Refusal]:
    for path in kept:
        if _meet(field, path):
            text = f"this changes `{path}`, by which a run reads the documents"
            yield Refusal(at, text, "give the new value another name", on_key)


def _left_out(path: str) -> str:
    return f"this leaves out `{path}`, by which a run reads the documents"


def _project(value: dict[str, Any], kept: tuple[str, ...], here: Path) -> Iterator[Refusal]:
    """A projection keeps what it names with 1, or all that it does not name with 0."""
    excluding = all(_number(one) == 0 for one in value.values())
    for path in kept:
        named = [name for name in value if _meet(name, path)]
        changed = [name for name in named if not _number(value[name])]
        if changed:
            yield from _written(changed[0], (path,), (*here, changed[0]), on_key=True)
        elif not excluding and path != "_id" and not any(f"{path}.".startswith(f"{one}.") for one in named):
            yield Refusal(here, _left_out(path), f"add `{path}: 1`", on_key=False)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (bool, int, float)) else None


def _replaced(value: Any, kept: tuple[str, ...], here: Path) -> Iterator[Refusal]:
    """A new document takes what must stay from the old one, last, where nothing overwrites it."""
    last = value
    if isinstance(value, dict) and isinstance(value.get("$mergeObjects"), list) and value["$mergeObjects"]:
        last = value["$mergeObjects"][-1]
    for path in kept:
        found = last
        for step in path.split("."):
            found = found.get(step) if isinstance(found, dict) else None
        if found != f"${path}":
            whole = ", ".join(f"{one}: ${one}" for one in kept if "." not in one)
            help = f"write `{{$mergeObjects: [$item, {{{whole}}}]}}`"
            yield Refusal(here, _left_out(path), help, on_key=False)
            return
