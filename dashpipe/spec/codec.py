"""A resolved subject as plain JSON and back: what a manifest entry and a run record hold.

Canonical: every key is there, defaults filled in, in sorted order; what a thing came from (its origin) is
    not. What has no order of meaning (tags, fields) keeps the order of the spec: the order of things is
    cosmetic in `fingerprint` only.
"""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from hashlib import sha256
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from dashpipe.spec.model import Subject

#: Keys that say nothing about the numbers: a change of them computes nothing anew. By what they stand in.
_META = ("owner", "description", "tags", "airflow", "schedule", "lookback", "catch_up_days")
_TARGET_META = ("queries", "retention_days", "max_removed")
_FISCAL_META = ("name", "version")
_SOURCE_META = ("updated", "read", "incremental", "max_untimed")

#: Keys, at any depth of what is left, that are words for people.
_WORDS = ("description", "unit", "format", "owner")

#: Lists whose order means nothing.
_UNORDERED = (
    "sources",
    "metrics",
    "dimensions",
    "fields",
    "grains",
    "inputs",
    "queries",
    "checks",
    "sparse",
    "tags",
    "unique",
    "per",
    "nulls",
)


def to_json(subject: Subject) -> dict[str, Any]:
    """A subject as plain values: dicts with sorted keys, lists, text, numbers, booleans and null."""
    made = _plain(subject)
    assert isinstance(made, dict)
    return made


def from_json(document: dict[str, Any]) -> Subject:
    """The subject of a JSON form: equal to the one that it was made of.

    Raises:
        ValueError: The document is no JSON form of a subject, or one of another version of dashpipe.
    """
    try:
        subject = _made(Subject, document)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"this is no subject of this version of dashpipe: {error}") from error
    assert isinstance(subject, Subject)
    return subject


def fingerprint(subject: Subject) -> dict[str, str]:
    """Three hashes (sha256, hex) of a subject.

    ``data`` is what its numbers follow from, ``checks`` what guards them, ``meta`` the rest.
    The order of metrics, dimensions, grains and the like is part of none of them.
    """
    whole = to_json(subject)
    # A check without a grain is made on the first, so that their order matters to checks.
    checks = {"first": whole["grains"][:1], "checks": whole.pop("checks")}
    meta = {key: whole.pop(key) for key in _META}
    if whole["fiscal"] is not None:
        meta["calendar"] = {key: whole["fiscal"].pop(key) for key in _FISCAL_META}
    meta["target"] = {key: whole["target"].pop(key) for key in _TARGET_META}
    meta["sources"] = {one["name"]: {key: one.pop(key) for key in _SOURCE_META} for one in whole["sources"]}
    for one in whole["sources"]:
        landed = one["file"] or one["http"]
        if landed is not None:
            meta["sources"][one["name"]]["max_bad"] = landed.pop("max_bad")
    meta["words"] = _words(whole)
    parts = {"data": _without_words(whole), "checks": _without_words(checks), "meta": _ordered(meta)}
    return {name: _digest(value) for name, value in parts.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value):
        return {name: _plain(getattr(value, name)) for name in _names(value.__class__)}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value


@cache
def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(sorted(one.name for one in fields(kind) if one.name != "origin"))


@cache
def _hints(kind: type) -> dict[str, Any]:
    return {name: hint for name, hint in get_type_hints(kind).items() if name != "origin"}


def _made(hint: Any, value: Any) -> Any:
    """The value of a type: the reverse of ``_plain``, led by the types of the model."""
    if is_dataclass(hint):
        hints = _hints(hint)  # type: ignore[arg-type]
        if not isinstance(value, dict) or value.keys() != hints.keys():
            raise ValueError(f"the keys of {getattr(hint, '__name__', hint)} do not match")
        return hint(**{name: _made(one, value[name]) for name, one in hints.items()})  # type: ignore[operator]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    origin, args = get_origin(hint), get_args(hint)
    if origin is tuple:
        return tuple(_made(args[0], one) for one in value)
    if origin in (Union, UnionType):
        if value is None and NoneType in args:
            return None
        for one in args:
            if (is_dataclass(one) and isinstance(value, dict)) or (
                get_origin(one) is tuple and isinstance(value, list)
            ):
                return _made(one, value)
        enums = [one for one in args if isinstance(one, type) and issubclass(one, Enum)]
        return enums[0](value) if enums else value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


def _without_words(value: Any) -> Any:
    if isinstance(value, dict):
        return _ordered({key: _without_words(one) for key, one in value.items() if key not in _WORDS})
    return [_without_words(one) for one in value] if isinstance(value, list) else value


def _ordered(value: Any) -> Any:
    """The value with each list whose order means nothing in one order."""
    if isinstance(value, dict):
        return {
            key: sorted(map(_ordered, one), key=_text)
            if key in _UNORDERED and isinstance(one, list)
            else _ordered(one)
            for key, one in value.items()
        }
    return [_ordered(one) for one in value] if isinstance(value, list) else value


def _words(value: Any) -> Any:
    """The words for people, with where they stand."""
    if isinstance(value, dict):
        found = {key: one if key in _WORDS else _words(one) for key, one in value.items()}
        kept = {key: one for key, one in found.items() if one}
        return {"name": value["name"], **kept} if kept and "name" in value else kept
    if isinstance(value, list):
        return sorted((one for one in map(_words, value) if one), key=_text)
    return None


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _digest(value: Any) -> str:
    return sha256(_text(value).encode()).hexdigest()
