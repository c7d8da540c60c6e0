"""An Airflow of the tests' own: its home and database lie in a temporary folder, made once a test process."""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compile.projects import project

HOME = Path(tempfile.mkdtemp(prefix="dashpipe-airflow-"))
atexit.register(shutil.rmtree, HOME, ignore_errors=True)

# Before anything imports Airflow: it reads its settings then.
os.environ.update(
    {
        "AIRFLOW_HOME": str(HOME),
        "AIRFLOW__CORE__DAGS_FOLDER": str(HOME / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{HOME}/airflow.db",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "AIRFLOW__DAG_PROCESSOR__STALE_BUNDLE_CLEANUP_INTERVAL": "0",
    }
)

GENERATE = Path(__file__).parents[2] / "dags"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder runs Airflow."""
    for item in items:
        if Path(item.path).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.airflow)
            # A warning of the web framework about its own test client, which `dag.test()` uses.
            item.add_marker(pytest.mark.filterwarnings("ignore:Using `httpx`"))


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty Airflow database, made once for all test processes of a run."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    made = shared / "airflow-empty.db"
    with (shared / "airflow-empty.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            part = shared / "airflow-part.db"
            environment = {**os.environ, "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{part}"}
            command = [sys.executable, "-m", "airflow", "db", "migrate"]
            subprocess.run(command, env=environment, check=True, capture_output=True)
            part.rename(made)
    return made


@pytest.fixture(scope="session")
def airflow_database(migrated: Path) -> Path:
    """The database of this test process's own Airflow."""
    shutil.copy(migrated, HOME / "airflow.db")
    return HOME / "airflow.db"


@pytest.fixture
def dags(tmp_path: Path) -> Path:
    """A project's ``dags`` folder with the two files, as a deployment has it."""
    folder = tmp_path / "dags"
    folder.mkdir()
    for name in ("generate.py", "_spec_errors.py"):
        shutil.copy(GENERATE / name, folder / name)
    return folder


@pytest.fixture
def home(airflow_database: Path) -> Iterator[Path]:
    """Airflow's home as a project of one subject: its ``dags`` folder is the one that this Airflow knows."""
    folder = HOME / "dags"
    folder.mkdir()
    for name in ("generate.py", "_spec_errors.py"):
        shutil.copy(GENERATE / name, folder / name)
    yield project(HOME, "daily")
    for path in (folder, HOME / "metrics"):
        shutil.rmtree(path)
    (HOME / "dashpipe.toml").unlink()


@pytest.fixture
def policies() -> Iterator[object]:
    """Airflow's cluster policies; what a test registers is taken out again."""
    from airflow import settings

    manager = settings.get_policy_plugin_manager()
    before = set(manager.get_plugins())
    yield manager
    for plugin in set(manager.get_plugins()) - before:
        manager.unregister(plugin)
