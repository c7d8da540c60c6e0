"""The demo from start to end: a server, data, specs, Airflow twice, and what it read back."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from dashpipe.demo.errors import DemoError
from dashpipe.demo.load import Progress, load_flights, load_learning
from dashpipe.demo.story import FLIGHTS, LEARNING, Job, Outcome, jobs, outcome
from dashpipe.demo.through import Airflow, Database, Home, home
from dashpipe.embedded import NATIVE

if TYPE_CHECKING:
    from pymongo import MongoClient

    from dashpipe.embedded import Server
    from dashpipe.spec.model import Subject

#: The databases of source and target.
SOURCE, TARGET = "source", "target"


class Teller(Protocol):
    """Whoever shows what is going on."""

    def say(self, text: str) -> None:
        """Something was done, or begins."""

    def progress(self, what: str) -> contextlib.AbstractContextManager[Progress]:
        """Something takes a while: documents so far, and about how many there will be."""

    def busy(self, what: str) -> contextlib.AbstractContextManager[None]:
        """Something takes a while, and no one knows how far it is."""


@dataclass(frozen=True, slots=True)
class Demo:
    """What is played.

    Attributes:
        root: The project's root.
        server: The embedded server.
        end: Where the learning platform's data end.
        lessons: Lessons of the learning platform.
        days: Days of the learning platform.
    """

    root: Path
    server: Server
    end: datetime
    lessons: int = 3_000
    days: int = 120

    @property
    def origins(self) -> tuple[str, ...] | None:
        """The airports whose flights are loaded; the Python build is too slow for all three."""
        return None if self.server.build == NATIVE else ("LGA",)

    @property
    def flights(self) -> str:
        """The flights in words."""
        return f"flights from {'New York' if self.origins is None else 'LaGuardia'}, January 2013"

    @property
    def uris(self) -> dict[str, str]:
        """The variables of the connections."""
        return {
            "DASHPIPE_SOURCE_URI": self.server.database_uri(SOURCE),
            "DASHPIPE_TARGET_URI": self.server.database_uri(TARGET),
        }


@dataclass(frozen=True, slots=True)
class Played:
    """One job, run twice."""

    job: Job
    first: Outcome
    again: Outcome


def play(demo: Demo, tell: Teller) -> list[Played]:
    """Lint, compile, load, run twice.

    Raises:
        DemoError: It could not go on; says why.
    """
    from pymongo import MongoClient

    subjects = _compile(demo, tell)  # before anything that takes long: a broken spec is said at once
    here = home(airflow_folder(demo.root), demo.root / "dags", demo.uris)
    database = Database(here)  # takes a while, on another core
    try:
        with MongoClient[dict[str, Any]](demo.server.uri, tz_aware=True) as client:
            client.drop_database(TARGET)
            _load(demo, client, tell)
            slow = database.pending
            with tell.busy("Airflow makes its database (once)") if slow else contextlib.nullcontext():
                database.wait()
            return _run(demo, here, jobs(subjects, demo.end), client, tell)
    finally:
        database.stop()


def airflow_folder(root: Path) -> Path:
    """The Airflow home of the demo and of ``make airflow``."""
    return root / ".cache" / "airflow"


def _load(demo: Demo, client: MongoClient[dict[str, Any]], tell: Teller) -> None:
    if demo.origins is not None:
        tell.say(
            f"{demo.server.build} is slow: flights from LaGuardia only (`make native` builds a faster one)"
        )
    with tell.progress(f"loading {demo.flights}") as on_progress:
        flights = load_flights(client[SOURCE], [1], on_progress, origins=demo.origins)
    with tell.progress("loading a learning platform") as on_progress:
        documents = load_learning(
            client[SOURCE], days=demo.days, rows=demo.lessons, end=demo.end, on_progress=on_progress
        )
    tell.say(f"loaded {flights:,} flights and {documents:,} documents of a learning platform")


def _compile(demo: Demo, tell: Teller) -> list[Subject]:
    from dashpipe.compile.hashes import hashes
    from dashpipe.compile.project import compile_project
    from dashpipe.compile.store import FOLDER, read, write
    from dashpipe.lint.render.concise import line
    from dashpipe.spec.diagnostic import Severity
    from dashpipe.spec.project import load

    folder = demo.root / "dags" / FOLDER
    found = hashes(demo.root)
    project = load(demo.root)
    manifest, findings = compile_project(project, found, read(folder))
    errors = [one for one in findings if one.severity is Severity.ERROR]
    if errors:
        told = ["the specs have errors (`dashpipe lint` shows them in full):", *map(line, errors)]
        raise DemoError("\n".join(told))
    write(folder, manifest)
    tell.say(f"linted {len(project.files)} spec files: no errors; compiled {len(manifest.entries)} DAGs")
    subjects = list(project.resolved().subjects)
    missing = sorted({*FLIGHTS, *LEARNING} - {one.id for one in subjects})
    if missing:
        raise DemoError(
            f"there is no subject {missing[0]} in this project: the demo runs the examples of dashpipe's own "
            "repository; clone it and run `make demo` there"
        )
    return subjects


def _run(
    demo: Demo, here: Home, todo: list[Job], client: MongoClient[dict[str, Any]], tell: Teller
) -> list[Played]:
    with Airflow(here, demo.root / "dags" / "generate.py") as airflow:
        with tell.busy("Airflow starts and reads dags/"):
            known = airflow.dags()
        for job in todo:
            if job.dag_id not in known:
                raise DemoError(f"dags/generate.py gave no {job.dag_id}, but {', '.join(known) or 'nothing'}")

        def once(job: Job, again: bool) -> Outcome:
            with tell.busy(f"{job.dag_id}, {job.days}{', again' if again else ''}"):
                done = airflow.run(job.dag_id, job.conf)
            found = outcome(client[TARGET], job.dag_id, done["run_id"], done["seconds"])
            what = f"{job.dag_id}, {job.days}{', again' if again else ''}"
            tell.say(f"ran {what}: {found.rows:,} rows, {words(found)} ({found.seconds:.0f} s)")
            return found

        first = [once(job, False) for job in todo]
        again = [once(job, True) for job in todo]
    return [Played(*one) for one in zip(todo, first, again)]


def words(found: Outcome) -> str:
    """What a run did to the rows, in words."""
    if found.quiet:
        return "nothing changed"
    parts = ("inserted", "changed", "removed", "same")
    return ", ".join(f"{getattr(found, name):,} {name}" for name in parts if getattr(found, name))
