"""Subjects as Airflow DAGs: a thin layer over ``dashpipe.run``; nothing is imported until it is needed."""
