"""Serialized DAGs are the same in every process: Airflow sees a new version only where a spec changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.compile.projects import project, subject, write

SCRIPT = Path(__file__).with_name("hashes.py")


def hashes(dags: Path, seed: str) -> dict[str, str]:
    """The hash of each DAG, computed in a process with that hash seed."""
    command = [sys.executable, str(SCRIPT), str(dags / "generate.py")]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
    )
    found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.slow  # several processes that import Airflow
def test_hashes_are_equal_across_processes_and_seeds(tmp_path: Path, dags: Path) -> None:
    """Good, broken and asset-driven DAGs alike; a change of one spec changes the hash of that one alone."""
    project(tmp_path, "one", "two")
    more = "tags: [zebra, ant, mouse, bee]\n"
    write(
        tmp_path,
        {
            "metrics/shop/three.yml": subject(
                "three", more, schedule="{after: [acme_shop_one, acme_shop_two]}"
            ),
            "metrics/shop/stub.yml": subject("stub").replace("orders_count", "orders_cuont"),
        },
    )
    first = hashes(dags, "1")
    assert sorted(first) == [f"acme_shop_{name}_v1" for name in ("one", "stub", "three", "two")]
    write(tmp_path, {"metrics/shop/two.yml": subject("two").replace("Orders by", "All orders by")})
    second = hashes(dags, "4711")
    assert {name for name in first if first[name] != second[name]} == {"acme_shop_two_v1"}
