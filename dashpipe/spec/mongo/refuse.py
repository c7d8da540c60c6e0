"""What may not stand in ``prepare:`` and ``mongo:``, at any depth. It is refused, never stripped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from dashpipe.spec.mongo.operators import (
    EXPRESSIONS,
    FILTERS,
    INSTEAD_OF_OPERATOR,
    INSTEAD_OF_STAGE,
    JOINS,
    STAGES,
)

Path = tuple[str | int, ...]


class Refusal(NamedTuple):
    """One thing that is refused: its path from the value that was looked at, what is wrong, what to write.

    ``on_key`` tells that the key at the path is meant, not its value.
    """

    path: Path
    message: str
    help: str
    on_key: bool = True


_STAGES = ", ".join(sorted(STAGES))


def stages(value: Any, path: Path = ()) -> Iterator[Refusal]:
    """What is refused of a list of stages."""
    if not isinstance(value, list):
        yield Refusal(path, "this is no list of stages", f"write a list of {_STAGES}", False)
        return
    for at, stage in enumerate(value):
        here = (*path, at)
        if not isinstance(stage, dict) or len(stage) != 1:
            yield Refusal(here, "a stage has one key: its name", f"write one of {_STAGES}", False)
            continue
        ((name, inner),) = stage.items()
        if name not in STAGES:
            near = STAGES & {f"${name}"}
            help = f"write `{next(iter(near))}`" if near else INSTEAD_OF_STAGE.get(name, f"known: {_STAGES}")
            yield Refusal((*here, name), f"the stage `{name}` is not among those that a spec may use", help)
        else:
            yield from _STEPS[name](inner, (*here, name))


def expression(value: Any, path: Path = ()) -> Iterator[Refusal]:
    """What is refused of an aggregation expression."""
    if isinstance(value, str):
        yield from _variable(value, path)
    elif isinstance(value, list):
        for at, one in enumerate(value):
            yield from expression(one, (*path, at))
    elif isinstance(value, dict):
        operators = [name for name in value if name.startswith("$")]
        for name in operators:
            if name not in EXPRESSIONS:
                yield _operator(name, (*path, name))
        if operators and len(value) > 1:
            text = f"`{operators[0]}` does not stand alone in its mapping"
            yield Refusal(path, text, "write one operator", False)
        for name, one in value.items():
            if name not in operators:
                yield from expression(one, (*path, name))
            elif name in EXPRESSIONS and name != "$literal":
                yield from _arguments(one, (*path, name))


def _arguments(value: Any, path: Path) -> Iterator[Refusal]:
    """The arguments of an operator: named ones are no operators themselves."""
    if isinstance(value, dict) and not any(name.startswith("$") for name in value):
        for name, one in value.items():
            yield from expression(one, (*path, name))
    else:
        yield from expression(value, path)


def _variable(text: str, path: Path) -> Iterator[Refusal]:
    """A variable of the server: what it holds is not of the document, or too much of it."""
    name = text[2:].split(".", maxsplit=1)[0]
    if text.startswith("$$") and name[:1].isupper() and name != "REMOVE":
        help = {
            "ROOT": "name the fields that are needed: `$total`",
            "CURRENT": f"write `${text[10:] or 'total'}`",
        }.get(name, "take it out: a run must give the same rows again")
        yield Refusal(path, f"the variable `$${name}` is not among those that a spec may use", help, False)


def _operator(name: str, path: Path) -> Refusal:
    help = INSTEAD_OF_OPERATOR.get(name, "write it with other operators, or as SQL in `expr`")
    return Refusal(path, f"the operator `{name}` is not among those that a spec may use", help)


def _match(value: Any, path: Path) -> Iterator[Refusal]:
    if not isinstance(value, dict):
        yield Refusal(path, "a filter is a mapping", "write `{field: value}`, or `{$expr: …}`", False)
        return
    for name, one in value.items():
        here = (*path, name)
        if name in JOINS:
            for at, inner in enumerate(one if isinstance(one, list) else [one]):
                yield from _match(inner, (*here, at) if isinstance(one, list) else here)
        elif name == "$expr":
            yield from expression(one, here)
        elif name.startswith("$"):
            yield _operator(name, here)
        else:
            yield from _test(one, here)


def _test(value: Any, path: Path) -> Iterator[Refusal]:
    """What stands beside a field in a filter."""
    if not isinstance(value, dict):
        return
    for name, one in value.items():
        here = (*path, name)
        if not name.startswith("$"):
            yield from _test(one, here)
        elif name not in FILTERS:
            yield _operator(name, here)
        elif name == "$not" or (name == "$elemMatch" and _tests(one)):
            yield from _test(one, here)
        elif name == "$elemMatch":
            yield from _match(one, here)


def _tests(value: Any) -> bool:
    return isinstance(value, dict) and bool(value.keys() & FILTERS)


def _fields(value: Any, path: Path) -> Iterator[Refusal]:
    """Names of fields with their values: ``$set`` and ``$project``."""
    if not isinstance(value, dict):
        yield Refusal(path, "this is no mapping of fields", "write `{field: …}`", False)
        return
    for name, one in value.items():
        if any(not step or step.startswith("$") for step in name.split(".")):
            yield Refusal((*path, name), f"`{name}` is no name of a field", "write `field: {operator: …}`")
        else:
            yield from expression(one, (*path, name))


def _unset(value: Any, path: Path) -> Iterator[Refusal]:
    for one in value if isinstance(value, list) else [value]:
        if not isinstance(one, str) or one.startswith("$"):
            yield Refusal(path, "this is no name of a field", "write names without $: `[notes, raw]`", False)


def _unwind(value: Any, path: Path) -> Iterator[Refusal]:
    given = value.get("path") if isinstance(value, dict) else value
    if not isinstance(given, str) or not given.startswith("$") or given.startswith("$$"):
        yield Refusal(path, "this is no path of an array", "write `$unwind: $items`", False)
    known = ("path", "preserveNullAndEmptyArrays", "includeArrayIndex")
    yield from _known(value, known, "$unwind", path)


def _lookup(value: Any, path: Path) -> Iterator[Refusal]:
    known = ("from", "localField", "foreignField", "as", "let", "pipeline")
    if not isinstance(value, dict):
        yield Refusal(path, "this is no mapping", f"write {', '.join(known)}", False)
        return
    yield from _known(value, known, "$lookup", path)
    source = value.get("from")
    if not isinstance(source, str) or not source or source.startswith("system.") or "$" in source:
        at = (*path, "from") if "from" in value else path
        help = "write the name of a collection in the database of the source"
        yield Refusal(at, "`from` is no plain name of a collection", help, False)
    if not isinstance(value.get("as"), str):
        yield Refusal(path, "`$lookup` needs `as`", "write the field for what it finds: `as: found`", False)
    yield from _arguments(value.get("let", {}), (*path, "let"))
    if "pipeline" in value:
        yield from stages(value["pipeline"], (*path, "pipeline"))


def _known(value: Any, known: tuple[str, ...], stage: str, path: Path) -> Iterator[Refusal]:
    for name in value if isinstance(value, dict) else ():
        if name not in known:
            yield Refusal((*path, name), f"`{name}` is not a key of `{stage}`", f"known: {', '.join(known)}")


_STEPS = {
    "$match": _match,
    "$set": _fields,
    "$unset": _unset,
    "$unwind": _unwind,
    "$lookup": _lookup,
    "$project": _fields,
    "$replaceWith": expression,
}
