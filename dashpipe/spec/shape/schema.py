"""The JSON Schema of a spec file, from the definition of its keys: for editors, and for other tools.

It is draft-07, which every editor reads, and conditional on ``type`` by ``if``/``then`` and not by ``oneOf``:
so a mistake in one key does not turn the whole metric red.
"""

from __future__ import annotations

import re
from typing import Any

from dashpipe.spec.shape.calendar import CALENDAR_FILE
from dashpipe.spec.shape.kinds import (
    Cases,
    Either,
    Flag,
    Free,
    Key,
    Keys,
    Kind,
    ListOf,
    Null,
    Number,
    Paths,
    Text,
    Words,
)
from dashpipe.spec.shape.source import MODEL
from dashpipe.spec.shape.subject import SUBJECT

Schema = dict[str, Any]


def json_schema() -> Schema:
    """The schema of a spec file: a subject, or a model."""
    made = _Maker()
    subject, model, calendar = (made.schema(one) for one in (SUBJECT, MODEL, CALENDAR_FILE))
    named = {"required": ["calendar"], "properties": {"calendar": {"type": "string"}}}
    other = {"if": named, "then": calendar, "else": {"required": ["subject"]}}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "dashpipe spec, version 1",
        "description": "A subject (one dashboard dataset), a model (a source of several) or a calendar.",
        "type": "object",
        # What an editor offers in a file that says neither yet.
        "properties": {one: {"description": said} for one, said in _FIRST.items()},
        "if": {"required": ["subject"]},
        "then": subject,
        "else": {"if": {"required": ["model"]}, "then": model, "else": other},
        "definitions": dict(sorted(made.definitions.items())),
    }


_FIRST = {
    "dashpipe": "The version of the spec language: 1.",
    "subject": "A dashboard dataset: one DAG, and one collection a grain.",
    "model": "A source that several subjects share: what its documents mean.",
    "calendar": "Fiscal years and months that do not begin with those of the calendar: 4-4-5 and the like.",
}


_FORMS = {"map": "object", "list": "array", "text": "string", "number": "number", "flag": "boolean"}


class _Maker:
    """Makes schemas; a mapping that occurs more than once is a definition."""

    def __init__(self) -> None:
        self.definitions: dict[str, Schema] = {}
        self.names: dict[Kind, str] = {}

    def schema(self, kind: Kind) -> Schema:
        """The schema of a kind."""
        if isinstance(kind, Text):
            return (
                self.shared(kind.what.split(" ", 1)[-1], kind, _text(kind)) if kind.pattern else _text(kind)
            )
        if isinstance(kind, Words):
            return {"const": kind.words[0]} if len(kind.words) == 1 else {"enum": list(kind.words)}
        if isinstance(kind, Number):
            return _number(kind)
        if isinstance(kind, Flag):
            return {"type": "boolean"}
        if isinstance(kind, Null):
            return {"type": "null"}
        if isinstance(kind, ListOf):
            least = {"minItems": kind.least} if kind.least else {}
            return {"type": "array", **least, "items": self.schema(kind.item)}
        if isinstance(kind, Paths):
            return {
                "type": "object",
                "propertyNames": self.schema(kind.key),
                "additionalProperties": self.schema(kind.value),
            }
        if isinstance(kind, Free):
            return {"type": [_FORMS[one] for one in kind.forms]}
        if isinstance(kind, Cases):
            has = {"required": [kind.has], "not": {"required": [kind.lacks]}}
            return {"type": "object", "if": has, "then": self.keys(kind.then), "else": self.keys(kind.other)}
        if isinstance(kind, Either):
            return {"anyOf": [self.schema(one) for one in kind.kinds]}
        return self.keys(kind)

    def keys(self, kind: Keys) -> Schema:
        """A reference to the definition of a mapping."""
        name = self.names.get(kind)
        if name is None:
            name = self.names[kind] = self.free(kind.name)
            self.definitions[name] = self.mapping(kind)
        return {"$ref": f"#/definitions/{name}"}

    def shared(self, name: str, kind: Text, schema: Schema) -> Schema:
        """A reference to the definition of a text."""
        if kind not in self.names:
            self.names[kind] = self.free(name)
            self.definitions[self.names[kind]] = schema
        return {"$ref": f"#/definitions/{self.names[kind]}"}

    def free(self, name: str) -> str:
        """A name for a definition that no other has."""
        base = name.replace(" ", "_")
        number = 1
        while (base if number == 1 else f"{base}_{number}") in self.names.values():
            number += 1
        return base if number == 1 else f"{base}_{number}"

    def mapping(self, kind: Keys) -> Schema:
        """The schema of a mapping."""
        common = {one.name: self.key(one) for one in kind.keys}
        schema: Schema = {"type": "object", "properties": common, "additionalProperties": False}
        required = [one.name for one in kind.keys if one.required]
        if required:
            schema["required"] = required
        if kind.some:
            schema["anyOf"] = [{"required": [one]} for one in kind.some]
        if kind.by:
            own = {one.name: {"description": one.description} for _, keys in kind.variants for one in keys}
            schema["properties"] = {**common, **own}
            schema["allOf"] = [self.variant(kind, name, keys) for name, keys in kind.variants]
        return schema

    def variant(self, kind: Keys, name: str, keys: tuple[Key, ...]) -> Schema:
        """What holds for a mapping of one type."""
        properties: Schema = {one.name: True for one in kind.keys}
        then: Schema = {
            "properties": {**properties, **{one.name: self.key(one) for one in keys}},
            "additionalProperties": False,
        }
        required = [one.name for one in keys if one.required and not one.instead]
        if required:
            then["required"] = required
        either = [one for one in keys if one.instead]
        if either:
            then["allOf"] = [_either(one) for one in either]
        return {"if": {"properties": {kind.by: {"const": name}}, "required": [kind.by]}, "then": then}

    def key(self, key: Key) -> Schema:
        """The schema of a key's value, with what editors show."""
        schema = self.schema(key.kind)
        # In draft-07 nothing beside a $ref is read.
        schema = {"allOf": [schema]} if "$ref" in schema else schema
        said = f"{key.description} Default: {key.default}." if key.default else key.description
        return {"description": said, **_default(key), **schema}


def _either(key: Key) -> Schema:
    """One of two keys, or at most one of them."""
    both = [{"required": [one]} for one in (key.name, key.instead)]
    return {"oneOf": both} if key.required else {"not": {"required": [key.name, key.instead]}}


def _default(key: Key) -> Schema:
    """The default as a value, where it is one and not only described."""
    kinds = key.kind.kinds if isinstance(key.kind, Either) else (key.kind,)
    values: dict[str, Any] = {"[]": [], "[day]": ["day"], "true": True, "false": False}
    for kind in kinds:
        if isinstance(kind, Words) and key.default in kind.words:
            return {"default": key.default}
        if isinstance(kind, Number) and re.fullmatch(r"\d+(\.\d+)?", key.default):
            return {"default": int(key.default) if kind.whole else float(key.default)}
        if isinstance(kind, (ListOf, Flag)) and key.default in values:
            return {"default": values[key.default]}
    return {}


def _text(kind: Text) -> Schema:
    schema: Schema = {"type": "string"}
    if kind.pattern:
        schema["pattern"] = kind.pattern
    if kind.least:
        schema["minLength"] = kind.least
    if kind.most:
        schema["maxLength"] = kind.most
    if kind.not_in:
        schema["not"] = {"enum": sorted(kind.not_in)}
    if kind.examples:
        schema["examples"] = list(kind.examples)
    return schema


def _number(kind: Number) -> Schema:
    schema: Schema = {"type": "integer" if kind.whole else "number"}
    if kind.least is not None:
        schema["minimum"] = kind.least
    if kind.most is not None:
        schema["maximum"] = kind.most
    return schema
