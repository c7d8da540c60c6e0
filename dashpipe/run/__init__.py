"""Running a subject over MongoDB: ``execute`` for one step, ``run_all`` for a whole run.

Both are imported when they are asked for: who needs an error or a request does not load the driver.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dashpipe.run.steps import execute
    from dashpipe.run.whole import run_all

__all__ = ["execute", "run_all"]


def __getattr__(name: str) -> Any:
    if name == "execute":
        from dashpipe.run.steps import execute

        return execute
    if name == "run_all":
        from dashpipe.run.whole import run_all

        return run_all
    raise AttributeError(f"module {__name__} has no attribute {name}")
