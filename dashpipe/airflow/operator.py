"""The one operator: a step of a subject, whose plan it reads when it runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dashpipe.airflow._compat import BaseOperator

if TYPE_CHECKING:
    from dashpipe.airflow._compat import Context


class DashpipeOperator(BaseOperator):
    """Runs one step of a subject.

    It carries names only. What they stand for is in the manifest, and, once the run has begun, in its record
    in the database: nothing is resolved when a file is parsed, no text of a spec is rendered as a template.
    """

    template_fields: Sequence[str] = ()
    ui_color = "#e6f0ea"

    def __init__(self, *, subject_id: str, step: str, source: str | None = None, **kwargs: Any) -> None:
        """Take the names.

        Args:
            subject_id: The subject's id, which is the DAG's.
            step: The step of a run.
            source: The source that an extract reads.
            kwargs: What every operator takes.
        """
        super().__init__(**kwargs)
        self.subject_id = subject_id
        self.step = step
        self.source = source

    def execute(self, context: Context) -> dict[str, Any]:
        """Run the step and leave its receipt, which is small."""
        from dashpipe.airflow.task import run

        return run(self.subject_id, self.step, self.source, self.dag.fileloc, context)
