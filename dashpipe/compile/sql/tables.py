"""The tables that a query reads: one a source, one a lookup, each field a column of its type."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from dashpipe import expr
from dashpipe.compile.plan import Plan, SourcePlan
from dashpipe.compile.sql.names import quoted
from dashpipe.expr import FieldType, Typed
from dashpipe.spec.model import Env, EnvText

_COLUMNS = {
    FieldType.INTEGER: "BIGINT",
    FieldType.NUMBER: "DOUBLE",
    FieldType.DECIMAL: "DECIMAL(18, 4)",
    FieldType.STRING: "VARCHAR",
    FieldType.BOOLEAN: "BOOLEAN",
    FieldType.DATE: "TIMESTAMPTZ",
    FieldType.OBJECT_ID: "VARCHAR",
}

#: The column of a time, by its form.
_TIMES = {
    "date": "TIMESTAMPTZ",
    "iso": "VARCHAR",
    "epoch_s": "DOUBLE",
    "epoch_ms": "DOUBLE",
    "object_id": "VARCHAR",
}

#: Fields by name; below one with fields of its own, these.
_Tree = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its name, the source (or looked-up dimension) that it is of, its columns with their types."""

    name: str
    of: str
    columns: tuple[tuple[str, str], ...] = field(default=())

    @property
    def statement(self) -> str:
        """The statement that makes it, empty."""
        columns = ", ".join(f"{quoted(name)} {type_}" for name, type_ in self.columns)
        return f"CREATE TABLE {quoted(self.name)} ({columns});"


def tables(plan: Plan) -> tuple[Table, ...]:
    """The tables of a plan. A collection that several read is a table each, as it reads the documents."""
    lookups = [(one.name, one.lookup) for one in plan.lookups]
    read = [_text(one.source.collection) for one in plan.sources]
    read += [_text(one.collection) for _, one in lookups]
    made = []
    for source in plan.sources:
        name = _text(source.source.collection)
        own = name if read.count(name) == 1 else f"{name}_of_{source.name}"
        made.append(Table(own, source.name, _columns(source)))
    for dimension, lookup in lookups:
        name = _text(lookup.collection)
        own = name if read.count(name) == 1 else f"{name}_of_{dimension}"
        keys = {one.name: one.type for one in plan.sources[0].key}
        tree: _Tree = {}
        _put(tree, lookup.field, "VARCHAR")
        _put(tree, lookup.foreign, _COLUMNS[keys.get(lookup.key, FieldType.STRING)])
        for edge in (lookup.valid.start, lookup.valid.end) if lookup.valid is not None else ():
            if edge is not None:
                _put(tree, edge, "DATE")
        made.append(Table(own, dimension, _told(tree)))
    return tuple(made)


def _text(collection: EnvText) -> str:
    return (collection.default or collection.name) if isinstance(collection, Env) else collection


def _columns(source: SourcePlan) -> tuple[tuple[str, str], ...]:
    tree: _Tree = {"_id": "VARCHAR"}
    elements: _Tree = {}
    time, unwind = source.source.time, source.source.unwind
    if time.kind in _TIMES:
        _put(tree, time.field, _TIMES[time.kind])
    lists = dict(_lists(source))
    known = dict(source.types)
    # Of what type a field is does not always matter: where it is only there or not, or told apart.
    said = (typed for typed in _read(source) if typed.kind != "mongo")
    untyped = {path for typed in said for path in expr.paths(typed)} - known.keys()
    for path, type_ in (*source.types, *((path, FieldType.STRING) for path in sorted(untyped))):
        if path in ("_id", time.field):
            continue
        made = f"{lists.get(path, 'VARCHAR')}[]" if type_ is FieldType.ARRAY else _COLUMNS[type_]
        root, _, rest = path.partition(".")
        if unwind is not None and root == unwind.alias:
            _put(elements, rest, made)
        elif unwind is None or path != unwind.path:
            _put(tree, path, made)
    if unwind is not None:
        _put(tree, unwind.path, f"{_type(elements.get('', elements or 'VARCHAR'))}[]")
    return _told(tree)


def _lists(source: SourcePlan) -> Iterable[tuple[str, str]]:
    """What the lists that are looked into hold, by what is looked for."""
    for typed in _read(source):
        for call in _calls(typed):
            array, value = call.args
            if array.kind == "field":
                yield str(array.value), _COLUMNS.get(value.type or FieldType.STRING, "VARCHAR")


def _read(source: SourcePlan) -> list[Typed]:
    """Every expression over documents."""
    read = [one.expr for one in source.key]
    read += [one for one in (source.where, *source.unique) if one is not None]
    return read + [one for leaf in source.leaves for one in leaf.reads]


def _calls(typed: Typed) -> Iterable[Typed]:
    if typed.kind == "call" and typed.value[0] == "list_contains":
        yield typed
    for one in typed.args:
        yield from _calls(one)


def _put(tree: _Tree, path: str, type_: str) -> None:
    *parents, last = path.split(".")
    for one in parents:
        below = tree.setdefault(one, {})
        if not isinstance(below, dict):
            return  # what is read as a whole has no fields
        tree = below
    tree.setdefault(last, type_)


def _type(made: Any) -> str:
    if isinstance(made, str):
        return made
    return f"STRUCT({', '.join(f'{quoted(name)} {_type(one)}' for name, one in made.items())})"


def _told(tree: _Tree) -> tuple[tuple[str, str], ...]:
    return tuple((name, _type(one)) for name, one in tree.items())
