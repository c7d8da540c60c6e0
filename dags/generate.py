"""Every dashpipe subject as an Airflow DAG, from the manifest (`dashpipe compile`). No spec makes it raise."""

from __future__ import annotations

from dashpipe.airflow.loader import dags

globals().update(dags(__file__))
