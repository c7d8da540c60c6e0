"""dashpipe: from metrics in YAML to dashboard collections in MongoDB, run by Airflow."""

from __future__ import annotations

__version__ = "0.1.0"
