"""An environment variable that the project does not allow."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View


def check(view: View) -> Iterator[Problem]:
    """The name of each ``{env: …}`` matches a pattern of ``[allow] env``."""
    allowed = view.allowed_env
    for name, at in view.env_names():
        if any(fnmatchcase(name, pattern) for pattern in allowed):
            continue
        listed = ", ".join(allowed) or "none"
        pattern = f"{name.partition('_')[0]}_*" if "_" in name else name
        yield Problem(
            at,
            f"the environment variable {name} is not allowed (allowed: {listed})",
            f'add "{pattern}" to `env` under `[allow]` in dashpipe.toml, or use a name that is allowed',
        )


RULE = Rule(
    code="P001",
    name="env-not-allowed",
    severity=Severity.ERROR,
    what="A spec reads an environment variable that `[allow]` in `dashpipe.toml` does not name.",
    why="Whoever can edit a spec could otherwise read any variable of the worker, passwords too, into a "
    "collection's name. "
    "What specs may read is said once, in a file of its own.",
    bad="target:\n  collection: {env: AWS_SECRET_ACCESS_KEY, default: dash}",
    good="target:\n  collection: {env: SHOP_DASH, default: dash}",
    whole=check,
)
