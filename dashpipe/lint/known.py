"""What the typing of expressions has found out so far, so that each mistake is told once."""

from __future__ import annotations

from dataclasses import dataclass, field

from dashpipe.expr import FieldType
from dashpipe.lint.rule import Problem
from dashpipe.spec.model import Origin

#: A code with what was found.
Found = tuple[str, Problem]


@dataclass(slots=True)
class Known:
    """What is known of the expressions of models, so that their users need not look again.

    Attributes:
        wrong: The expressions with a mistake that was reported.
        types: The types of the expressions of models all of whose fields are declared: they are the same in
            each subject. By origin.
        closed: The files of these models.
    """

    wrong: set[Origin] = field(default_factory=set)
    types: dict[Origin, FieldType | None] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
