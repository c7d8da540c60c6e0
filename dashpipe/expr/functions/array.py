"""Functions of arrays."""

from __future__ import annotations

from dashpipe.expr.functions.function import ANY, ARRAY, Function
from dashpipe.expr.types import FieldType

FUNCTIONS = (
    Function(
        "len",
        "len(array)",
        (ARRAY,),
        FieldType.INTEGER,
        "how many elements the array has",
        "len(items)",
        lambda args, _: {"$size": args[0]},
        1,
    ),
    Function(
        "list_contains",
        "list_contains(array, value)",
        (ARRAY, ANY),
        FieldType.BOOLEAN,
        "whether the array has the value as an element",
        "list_contains(tags, 'gift')",
        lambda args, _: {"$in": [args[1], args[0]]},
        2,
    ),
)
