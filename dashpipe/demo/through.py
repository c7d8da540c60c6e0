"""Airflow for the demo: a home of its own, and one process that runs the DAGs when asked."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType
from typing import Any

from dashpipe.demo.errors import DemoError

#: Settings of a machine's own Airflow, connections and values for specs: none of them are for the demo.
_FOREIGN = ("AIRFLOW", "DASHPIPE_", "FLIGHTS_", "CV_", "LOOKBACK_DAYS", "BATCH_SIZE", "_AIRFLOW")


@dataclass(frozen=True, slots=True)
class Home:
    """Where Airflow keeps its database and logs, and what it is told by the environment."""

    folder: Path
    environ: Mapping[str, str]

    @property
    def log(self) -> Path:
        """What Airflow printed."""
        return self.folder / "demo.log"


def home(folder: Path, dags: Path, uris: Mapping[str, str]) -> Home:
    """A home for Airflow in a folder, made where it is missing.

    Args:
        folder: Where; never the user's own ``AIRFLOW_HOME``.
        dags: The folder of the DAG files.
        uris: The variables of the connections.

    Raises:
        DemoError: Airflow is not installed.
    """
    try:
        version("apache-airflow")
    except PackageNotFoundError:
        raise DemoError("Airflow is not installed here: pip install 'dashpipe[airflow]'") from None
    folder.mkdir(parents=True, exist_ok=True)
    own = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    # The folder's programs come first: Airflow starts some of its own by name.
    path = f"{Path(sys.executable).parent}{os.pathsep}{own.get('PATH', '')}"
    settings = {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "PATH": path,
    }
    return Home(folder, own | settings | dict(uris))


class Database:
    """Airflow's own database: made or brought up to date beside other work."""

    def __init__(self, home: Home) -> None:
        """Begin; ``wait`` ends it. Nothing is done where this version of Airflow made it before."""
        self._home = home
        self._stamp = home.folder / f"database-of-{version('apache-airflow')}"
        self._child: subprocess.Popen[bytes] | None = None
        with home.log.open("wb") as log:
            if not self._stamp.exists():
                command = [sys.executable, "-m", "airflow", "db", "migrate"]
                self._child = subprocess.Popen(
                    command, env=dict(home.environ), stdin=subprocess.DEVNULL, stdout=log, stderr=log
                )

    @property
    def pending(self) -> bool:
        """Whether it is still being made."""
        return self._child is not None and self._child.poll() is None

    def wait(self) -> None:
        """Wait until it is there.

        Raises:
            DemoError: It could not be made.
        """
        if self._child is not None:
            if self._child.wait():
                raise DemoError(f"Airflow could not make its database: {_reason(self._home.log)}")
            self._stamp.touch()

    def stop(self) -> None:
        """Stop making it, if it is still being made; a half-made one is removed."""
        if self._child is not None and self.pending:
            self._child.terminate()
            self._child.wait()
            (self._home.folder / "airflow.db").unlink(missing_ok=True)


class Airflow:
    """A process that has imported Airflow and the DAGs, and runs one at a time with ``dag.test()``."""

    def __init__(self, home: Home, file: Path) -> None:
        """Start it; the first ``run`` waits until it is ready."""
        self._home = home
        with home.log.open("ab") as log:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "dashpipe.airflow.trial", str(file)],
                env=dict(home.environ),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def dags(self) -> list[str]:
        """The ids of the DAGs; to be asked once, first.

        Raises:
            DemoError: The process ended.
        """
        return list(self._answer()["dags"])

    def run(self, dag_id: str, conf: Mapping[str, str]) -> dict[str, Any]:
        """Run a DAG to its end.

        Returns:
            ``run_id`` and ``seconds``.

        Raises:
            DemoError: The run failed, or the process ended; names the log.
        """
        assert self._child.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # then the answer says why
            self._child.stdin.write(json.dumps({"dag_id": dag_id, "conf": dict(conf)}) + "\n")
            self._child.stdin.flush()
        answer = self._answer()
        if answer["state"] != "success":
            failed = ", ".join(answer["failed"]) or "no task"
            state = f"the run of {dag_id} is {answer['state']} (failed: {failed})"
            raise DemoError(f"{state}: {_reason(self._home.log)}")
        return answer

    def _answer(self) -> dict[str, Any]:
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        if not line:
            self._child.wait()
            raise DemoError(f"Airflow ended (exit {self._child.returncode}): {_reason(self._home.log)}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def __enter__(self) -> Airflow:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.close()
        if kind is not None:
            self._child.terminate()
        self._child.wait()
        self._child.stdout.close()


#: The last line of a traceback: the exception's name, and what it says.
_RAISED = re.compile(r"^[\w.]*\b[A-Z]\w+: (.+)$", re.MULTILINE)


def _reason(log: Path) -> str:
    """The last thing that a log says went wrong, and where the rest is."""
    text = log.read_text(encoding="utf-8", errors="replace").strip()
    said = _RAISED.findall(text) or text.splitlines() or ["it said nothing"]
    return f"{said[-1][:400]}\n(all that Airflow said: {log})"
