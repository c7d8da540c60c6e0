"""The types that a document's field, and so an expression, can have."""

from __future__ import annotations

from enum import Enum


class FieldType(str, Enum):
    """The type of a field. The value is the word used in YAML.

    ``INTEGER`` takes int, long and whole doubles within 64 bits; ``NUMBER`` every finite numeric value, as a
    double;
    ``DECIMAL`` int, long and decimal; the others the BSON type of their name.
    """

    INTEGER = "integer"
    NUMBER = "number"
    DECIMAL = "decimal"
    STRING = "string"
    BOOLEAN = "boolean"
    DATE = "date"
    OBJECT_ID = "object_id"
    ARRAY = "array"


#: The numeric types, by how they combine: the later takes the earlier.
NUMERIC = (FieldType.INTEGER, FieldType.DECIMAL, FieldType.NUMBER)

_WORDS = {
    FieldType.INTEGER: "an integer",
    FieldType.NUMBER: "a number",
    FieldType.DECIMAL: "a decimal",
    FieldType.STRING: "text",
    FieldType.BOOLEAN: "true or false",
    FieldType.DATE: "a date",
    FieldType.OBJECT_ID: "an object id",
    FieldType.ARRAY: "an array",
}


def word(type_: FieldType | None) -> str:
    """A type in words, with its article."""
    return "a value of unknown type" if type_ is None else _WORDS[type_]


def common(left: FieldType | None, right: FieldType | None) -> FieldType | None:
    """The type that values of both types take where they meet.

    An unknown type takes the other one. Decimal meets double as double, as in DuckDB.

    Raises:
        TypeError: They have none in common.
    """
    if left is right or right is None:
        return left
    if left is None:
        return right
    if left in NUMERIC and right in NUMERIC:
        return max(left, right, key=NUMERIC.index)
    raise TypeError(f"{word(left)} and {word(right)} have no type in common")


def fits(given: FieldType | None, wanted: FieldType | None) -> bool:
    """Whether a value of type ``given`` can stand where ``wanted`` is expected (any numeric where one is)."""
    return given is None or wanted is None or given is wanted or (given in NUMERIC and wanted in NUMERIC)
