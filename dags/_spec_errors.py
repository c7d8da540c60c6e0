"""What is wrong with the specs, for Airflow's list of import errors. It holds no DAG, so it hides none."""

from __future__ import annotations

from dashpipe.airflow.loader import raise_errors

raise_errors(__file__)
