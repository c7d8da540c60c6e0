"""Names in expressions that are no declared field, and look as if another were meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe import expr
from dashpipe.lint.rule import Problem
from dashpipe.spec.typing.parsed import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.known import Found
    from dashpipe.lint.of_source import Typing
    from dashpipe.spec.model import Origin
    from dashpipe.spec.typing.uses import Use


def undeclared(work: Typing, good: dict[Origin, Use]) -> Iterator[Found]:
    """A name that is no declared field, and looks as if another were meant."""
    declared = {one.path for one in work.source.fields}
    known = declared | {one.name for one in work.source.dimensions}
    metrics = {one.name: one for one in work.subject.metrics}
    for use in good.values():
        for name in expr.names(parse(use.text)):
            if name.name in known or use.at in work.known.wrong:
                continue
            at = work.view.within(use.at, use.text, name.start, name.end)
            if name.name in metrics and not name.forced:
                work.known.wrong.add(use.at)
                text = f"`{name.name}` is a metric, and this is over the documents of {work.source.name}"
                help = f"write `type: derived`, or `doc.{name.name}` if the documents have such a field"
                yield "E010", Problem(at, text, help, ((metrics[name.name].origin, "the metric"),))
            elif (bare := _without_source(work, name.name, known)) is not None:
                work.known.wrong.add(use.at)
                text = f"`{name.name}` begins with the name of its source"
                yield "E011", Problem(at, text, f"write {bare}: an expression is over one source's documents")
            elif (near := _meant(name.name, declared)) is not None:
                work.known.wrong.add(use.at)
                text = f"`{name.name}` is not among the declared fields of {work.source.name}"
                help = f"did you mean {near}? A field that is there besides is declared under `fields`"
                yield "E011", Problem(at, text, help)
            elif work.source.file is not None and work.source.file.format == "csv":
                work.known.wrong.add(use.at)
                text = f"`{name.name}` is read from CSV, which holds text, and has no type"
                help = f"declare it under `fields` of {work.source.name}: `{name.name}: string`, or a number"
                yield "E013", Problem(at, text, help)


def _without_source(work: Typing, name: str, known: set[str]) -> str | None:
    """A field or dimension that is written as SQL writes it, behind the name of its table."""
    first, _, rest = name.partition(".")
    collection = work.source.collection
    tables = {work.source.name, collection if isinstance(collection, str) else collection.default}
    inside = any(one.startswith(f"{first}.") for one in known)
    return rest if first in tables and rest in known and first not in known and not inside else None


def _meant(name: str, declared: set[str]) -> str | None:
    """The declared field that a name misspells by one letter."""
    if len(name) < _SHORT:
        return None
    return next((one for one in sorted(declared) if _misspelt(name, one)), None)


def _misspelt(name: str, field: str) -> bool:
    """Whether two names are one letter apart: left out, too many, another, or two in the wrong order."""
    if abs(len(name) - len(field)) > 1:
        return False
    both = enumerate(zip(name, field, strict=False))
    start = next((at for at, (a, b) in both if a != b), min(len(name), len(field)))
    a, b = name[start:], field[start:]
    if a[:1].isdigit() and b[:1].isdigit():
        return False  # another number is another field
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[1::-1] == b[:2] and a[2:] == b[2:])


#: Names shorter than this are too easily one letter apart.
_SHORT = 4
