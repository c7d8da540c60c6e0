"""Values that the environment gives a spec.

They are read when a run starts, only where allowed, and a refused value is never printed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from dashpipe.run.errors import Refused
from dashpipe.spec.model import Env, EnvText, Subject

#: What a collection's name may be: MongoDB allows more, nobody means it.
_COLLECTION = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,119}")


def used(subject: Subject) -> tuple[Env, ...]:
    """Every value of a subject that the environment may give."""
    places: Iterable[EnvText] = (
        *(one.collection for one in subject.sources),
        *(one.lookup.collection for one in subject.dimensions if one.lookup is not None),
        subject.target.collection,
    )
    return tuple(dict.fromkeys(one for one in places if isinstance(one, Env)))


def resolve(subject: Subject, environ: Mapping[str, str], allowed: Iterable[str]) -> dict[str, str]:
    """The values of the variables that a subject names.

    Args:
        subject: The subject.
        environ: The environment.
        allowed: Patterns of names that ``dashpipe.toml`` lets specs read.

    Returns:
        Name → value, the default where the variable is not set.

    Raises:
        Refused: A name is not allowed, has neither value nor default, or its value is no collection's name.
    """
    patterns = tuple(allowed)
    values: dict[str, str] = {}
    for one in used(subject):
        if not any(fnmatchcase(one.name, pattern) for pattern in patterns):
            raise Refused(
                f"{subject.id} reads the variable {one.name}, which dashpipe.toml does not allow",
                f'add "{one.name}" to `env` under `[allow]`',
            )
        value = environ.get(one.name) or one.default
        if value is None:
            raise Refused(
                f"{subject.id} needs the variable {one.name}, which is not set",
                "set it, or give it a `default` in the spec",
            )
        if not is_collection(value):
            raise Refused(
                f"the value of the variable {one.name} is no collection's name (it is not shown here)",
                "letters, digits, `_`, `.` and `-`, beginning with a letter or `_`",
            )
        if values.setdefault(one.name, value) != value:
            raise Refused(
                f"{subject.id} gives the variable {one.name} two defaults",
                "write the same default everywhere",
            )
    return values


def text(value: EnvText, values: Mapping[str, str]) -> str:
    """A text of a spec, with the environment's value where it names one."""
    return values[value.name] if isinstance(value, Env) else value


def is_collection(name: str) -> bool:
    """Whether a text looks like a collection's name, and is none of the server's own."""
    return _COLLECTION.fullmatch(name) is not None and not name.startswith("system.")
