"""Airflow's own DAG processor over many specs: which DAGs its database has, and which import errors."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.airflow.conftest import GENERATE
from tests.compile.projects import project, subject, write
from tests.conftest import PROFILE

POLICY = """\
from airflow.exceptions import AirflowClusterPolicyViolation


def dag_policy(dag):
    if "forbidden" in dag.tags:
        raise AirflowClusterPolicyViolation(f"{dag.dag_id} has the tag forbidden")
"""


class Processor:
    """An Airflow with a project of good specs, one broken, and one that a cluster policy refuses."""

    def __init__(self, root: Path, migrated: Path, good: int) -> None:
        self.root = root
        self.database = root / "airflow.db"
        shutil.copy(migrated, self.database)
        project(root, *(f"s{number:03d}" for number in range(good)))
        write(
            root,
            {
                "metrics/shop/bad.yml": subject("bad").replace("orders_count", "orders_cuont"),
                "metrics/shop/refused.yml": subject("refused", "tags: [forbidden]\n"),
                "config/airflow_local_settings.py": POLICY,
            },
        )
        (root / "dags").mkdir()
        for name in ("generate.py", "_spec_errors.py"):
            shutil.copy(GENERATE / name, root / "dags" / name)

    def parse(self) -> None:
        """Let the processor parse every file once, as it does again and again."""
        environment = {
            **os.environ,
            "AIRFLOW_HOME": str(self.root),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.root / "dags"),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.database}",
            # By default a DAG written less than 30 s ago is not written again; the next parse does that.
            "AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "0",
        }
        command = [sys.executable, "-m", "airflow", "dag-processor", "--num-runs", "1"]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with sqlite3.connect(self.database) as connection:
            return connection.execute(query).fetchall()

    def fresh(self) -> dict[str, str]:
        """The DAGs that Airflow schedules → the hash of their latest version."""
        query = (
            "select d.dag_id, s.dag_hash from dag d join serialized_dag s on s.dag_id = d.dag_id "
            "where not d.is_stale and not d.has_import_errors order by s.created_at"
        )
        return dict(self.rows(query))

    def errors(self) -> dict[str, str]:
        """What the list of import errors shows, a file."""
        return dict(self.rows("select filename, stacktrace from import_error"))


@pytest.mark.parametrize("specs", [8 if PROFILE == "quick" else 200])
def test_one_broken_spec_and_one_refused_hide_no_other(tmp_path: Path, migrated: Path, specs: int) -> None:
    """All other DAGs load and stay fresh, the broken one as a stub; both are in the import errors.

    A spec that breaks later keeps its DAG as it was, but for the mark, and the others are not touched.
    """
    good = [f"acme_shop_s{number:03d}_v1" for number in range(specs - 2)]
    processor = Processor(tmp_path, migrated, specs - 2)
    processor.parse()
    fresh = processor.fresh()
    assert sorted(fresh) == sorted([*good, "acme_shop_bad_v1"])
    assert processor.rows("select count(*) from dag where is_stale or has_import_errors") == [(0,)]
    ((file, text),) = processor.errors().items()
    assert file == "_spec_errors.py"
    assert "metrics/shop/bad.yml:9:11: error N002 unknown-metric: there is no metric `orders_cuont`" in text
    assert (
        "metrics/shop/refused.yml: acme_shop_refused_v1 is refused: AirflowClusterPolicyViolation: " in text
    )

    write(
        tmp_path,
        {
            "metrics/shop/s000.yml": subject("s000").replace("sources: [orders]", "sources: 7"),
            "metrics/shop/bad.yml": subject("bad"),
            "metrics/shop/refused.yml": subject("refused"),
        },
    )
    processor.parse()
    again = processor.fresh()
    assert sorted(again) == sorted([*fresh, "acme_shop_refused_v1"])
    changed = {name for name in fresh if fresh[name] != again[name]}
    assert changed == {"acme_shop_s000_v1", "acme_shop_bad_v1"}
    tags = processor.rows("select name from dag_tag where dag_id = 'acme_shop_s000_v1' order by name")
    assert tags == [("acme",), ("dashpipe",), ("shop",), ("spec-error",)]
    (text,) = processor.errors().values()
    assert "metrics/shop/s000.yml:6:10: error S" in text
    assert "bad.yml" not in text
    assert "refused.yml" not in text
