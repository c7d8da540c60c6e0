"""What is wrong with the names of a source on its own."""

from __future__ import annotations

from collections.abc import Iterator

from dashpipe.spec.issue import Issue
from dashpipe.spec.model import Dimension, Metric, Source


def check_source(source: Source) -> Iterator[Issue]:
    """What is wrong with the names of a source on its own: a model, or one that a subject defines."""
    kinds: tuple[tuple[str, tuple[Dimension, ...] | tuple[Metric, ...]], ...]
    kinds = (("dimension", source.dimensions), ("metric", source.metrics))
    for kind, parts in kinds:
        first: dict[str, Dimension | Metric] = {}
        for one in parts:
            earlier = first.setdefault(one.name, one)
            if earlier is not one:
                yield Issue(
                    "N006",
                    one.origin.at("name"),
                    f"there is a {kind} `{one.name}` already",
                    "leave one out, or give it another name",
                    ((earlier.origin.at("name"), "the first one"),),
                )
    yield from _unwind(source)
    if source.landed and source.connection:
        yield Issue(
            "N020",
            source.origin.at("connection"),
            "what is landed goes into the target's database",
            "leave `connection` out",
        )
    fields = {one.path: one for one in source.fields}
    for dimension in source.dimensions:
        name, text = dimension.name, dimension.expr
        if name in fields and text is not None and text.strip() not in (name, f"doc.{name}", f'"{name}"'):
            yield Issue(
                "N015",
                dimension.origin.at("name"),
                f"`{name}` is a field of the documents and a dimension with another value",
                f"give the dimension another name: `{name}` in `expr` and `where` is read as the dimension",
                ((fields[name].origin, "the field"),),
            )


def _unwind(source: Source) -> Iterator[Issue]:
    """The elements of an array have a name of their own, and the array is one."""
    unwind = source.unwind
    if unwind is None:
        return
    at, alias, array = source.origin.at("unwind", "as"), unwind.alias, unwind.path.split(".")[0]
    declared = next((one for one in source.fields if one.path == unwind.path), None)
    if declared is not None and declared.type not in ("array", ""):
        yield Issue(
            "N017",
            source.origin.at("unwind", "path"),
            f"`{unwind.path}` is declared {declared.type}: there is nothing to take apart",
            "name the field that holds the array, or correct its type",
            ((declared.origin, "its type"),),
        )
    other = "e.g. `item`" if alias != "item" else "e.g. `element`"
    if alias == array:
        text = f"`{alias}` is the array, and an element needs a name of its own"
        yield Issue("N017", at, text, f"write another name, {other}")
    elif alias == source.time.field.split(".")[0]:
        text = f"`{alias}` holds the time of the document, and an element of that name would hide it"
        yield Issue("N017", at, text, f"write another name, {other}")
    elif (one := next((one for one in source.dimensions if one.name == alias), None)) is not None:
        yield Issue(
            "N017",
            at,
            f"`{alias}` is a dimension: in expressions it would not mean the element",
            f"write another name, {other}",
            ((one.origin, "the dimension"),),
        )
