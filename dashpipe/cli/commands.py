"""The commands: where each one lives and what it does, so that ``--help`` imports none of them."""

from __future__ import annotations

#: Name → what it does. The module of a command is ``dashpipe.cli.<name>``, which has it as ``command``.
COMMANDS = {
    "init": "Write a first project: settings, an example model and subject, DAG files, hook and CI job.",
    "lint": "Say all that is wrong with the specs, where, and what to write instead.",
    "explain": "Say what a finding means, with a bad and a good example.",
    "schema": "Print the JSON Schema of the specs, for editors and CI.",
    "compile": "Write the manifest that Airflow builds the DAGs from.",
    "show": "Show what a subject becomes: plan, stages, indexes.",
    "run": "Run a subject's steps here, without Airflow.",
    "status": "Show which partitions are published, missing, stale or failed.",
    "doctor": "Check connections, rights and what the server can do.",
    "demo": "Load the example data and run all of it on an embedded server.",
    "embedded": "Start, stop or find the embedded MongoDB-protocol server.",
}
