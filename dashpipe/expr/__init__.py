"""SQL scalar expressions: read, typed, and turned into what MongoDB runs.

``parse`` → ``infer`` the types of fields from all their uses → ``check`` → ``to_agg``, ``to_condition``,
``to_query``.
"""

from __future__ import annotations

from dashpipe.expr.ast import Expr, Name, names
from dashpipe.expr.catalogue import Entry, catalogue
from dashpipe.expr.emit.agg import to_agg
from dashpipe.expr.emit.condition import to_condition
from dashpipe.expr.emit.query import Pushed, to_query
from dashpipe.expr.errors import ExpressionError, ExpressionErrors, nearest
from dashpipe.expr.guard import BSON, above, endless, fits, mistyped, mistyped_query
from dashpipe.expr.guard import query as fitting
from dashpipe.expr.inference import infer
from dashpipe.expr.parser import parse
from dashpipe.expr.reads import paths, raw_paths
from dashpipe.expr.scope import Scope, Typed
from dashpipe.expr.typed import check
from dashpipe.expr.types import FieldType

__all__ = [
    "BSON",
    "Entry",
    "Expr",
    "ExpressionError",
    "ExpressionErrors",
    "FieldType",
    "Name",
    "Pushed",
    "Scope",
    "Typed",
    "above",
    "catalogue",
    "check",
    "endless",
    "fits",
    "fitting",
    "infer",
    "mistyped",
    "mistyped_query",
    "names",
    "nearest",
    "parse",
    "paths",
    "raw_paths",
    "to_agg",
    "to_condition",
    "to_query",
]
