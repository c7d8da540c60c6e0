"""The JSON Schema as a file, and what editors and the reference read in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import duckdb
import jsonschema

from dashpipe.spec import shape
from dashpipe.spec.shape.texts import SQL
from tests.spec.corpus import ROOT

SCHEMA = shape.json_schema()

#: Keys whose value decides which others there are: the schema says them alone in its conditions.
DECIDING = ({"type"}, {"format"}, {"by"})


def test_published_schema_is_fresh() -> None:
    """The file in schemas/ is what the definition of the keys gives now (`dashpipe schema` prints it)."""
    published = (ROOT / "schemas" / "dashpipe-v1.schema.json").read_text("utf-8")
    assert published == json.dumps(SCHEMA, indent=2, ensure_ascii=False) + "\n"


def test_schema_is_draft_07() -> None:
    """The schema is valid by the schema of draft-07."""
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"].startswith("http://json-schema.org/draft-07/")


def test_patterns_are_of_javascript_too() -> None:
    """Editors read patterns strictly: a backslash stands before what has a meaning with it, nothing else."""
    patterns = [one["pattern"] for one in objects(SCHEMA) if isinstance(one.get("pattern"), str)]
    assert len(patterns) > 5
    for pattern in patterns:
        escaped = set(re.findall(r"\\(.)", pattern))
        assert escaped <= set("dDsSwWnrtfvbBxu^$\\.*+?()[]{}|/-0"), pattern


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a JSON value."""
    if isinstance(value, dict):
        yield value
        for one in value.values():
            yield from objects(one)
    elif isinstance(value, list):
        for one in value:
            yield from objects(one)


def test_every_key_is_described_and_no_other_taken() -> None:
    """Each property has a description for editors, and no mapping of known keys takes an unknown one."""
    for name, one in SCHEMA["definitions"].items():
        for inner in objects(one):
            keys = inner.get("properties")
            if not isinstance(keys, dict) or isinstance(keys.get("description"), str):
                continue
            assert inner.get("additionalProperties") is False or keys.keys() in DECIDING, name
            assert all(key is True or "const" in key or key["description"] for key in keys.values()), name


def test_defaults_are_values_of_their_kind() -> None:
    """A default that the schema names is itself valid."""
    found = [one for one in objects(SCHEMA) if "default" in one and "description" in one]
    assert len(found) >= 10
    for one in found:
        if not isinstance(one["default"], dict):
            jsonschema.Draft7Validator({**one, "definitions": SCHEMA["definitions"]}).validate(one["default"])


def test_no_reserved_word_of_sql_is_a_name() -> None:
    """What DuckDB, the oracle of the expressions, reserves is no name: a name is always a plain word."""
    rows = duckdb.sql(
        "select keyword_name from duckdb_keywords() where keyword_category = 'reserved'"
    ).fetchall()
    assert {one for (one,) in rows} <= set(SQL)


def test_reference_has_every_key_of_the_schema() -> None:
    """The rows of the reference name each property that the schema has, with what it means."""
    rows = shape.keys()
    named = {row.path.rsplit(".", 1)[-1] for row in rows if row.file != "dashpipe.toml"}
    properties = {
        name
        for one in objects(SCHEMA["definitions"])
        if one.get("additionalProperties") is False
        for name in one["properties"]
    }
    assert named - {"*"} == properties
    assert all(row.description.endswith(".") and row.kind for row in rows)
    assert len({(row.file, row.path, row.types) for row in rows}) == len(rows)


def test_unbuilt_keys_are_refused() -> None:
    """Keys of the language that a later version has are not in the schema."""
    text = json.dumps(SCHEMA)
    for one in ("pii",):
        assert f'"{one}"' not in text, one
