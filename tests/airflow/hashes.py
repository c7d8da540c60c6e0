"""Prints the hash of every DAG of a DAG file, as Airflow stores it: run as a process of its own."""

from __future__ import annotations

import json
import sys
from importlib.util import module_from_spec, spec_from_file_location


def main(file: str) -> None:
    """Import the file and print DAG id → hash."""
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.sdk import DAG
    from airflow.serialization.serialized_objects import DagSerialization

    spec = spec_from_file_location("generated", file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    dags = [one for one in vars(module).values() if isinstance(one, DAG)]
    print(json.dumps({one.dag_id: SerializedDagModel.hash(DagSerialization.to_dict(one)) for one in dags}))


if __name__ == "__main__":
    main(sys.argv[1])
