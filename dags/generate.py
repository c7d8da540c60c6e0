"""Every dashpipe subject as an Airflow DAG, from the manifest (`dashpipe compile`). It raises for no spec."""

from __future__ import annotations

from dashpipe.airflow.loader import dags

globals().update(dags(__file__))
