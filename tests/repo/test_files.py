"""The files beside the code: what they promise about variables, versions and services is so."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "env" / ".env.example"
COMPOSE = ROOT / "docker-compose.yml"
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"

#: Variables of other programs, set or read on the way: their own documentation lists them.
FOREIGN = re.compile(
    r"AIRFLOW_(?!PORT)|PYTHON|PYTEST|XDG_|UV_|CARGO|PIP_|VIRTUAL_ENV|CONDA|GITHUB_|COVERAGE|"
    r"(PATH|HOME|TERM|CI|TMPDIR|COLUMNS|PS1|SHELL)$"
)

READ = r"(?:environ(?:\.get|\.setdefault|\.pop)?|getenv)[\[(]\s*\"([A-Z][A-Z0-9_]+)\""


def read_by_code():
    """Every name that the product, its DAG files, tests, benchmarks or scripts read from the environment."""
    names = set()
    for folder in ("dashpipe", "dags", "tests", "benchmarks"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            names.update(
                re.findall(r"environ(?:\.get|\.setdefault|\.pop)?[\[(]\s*\"([A-Z][A-Z0-9_]+)\"", text)
            )
            names.update(re.findall(r"getenv\(\s*\"([A-Z][A-Z0-9_]+)\"", text))
    for path in (ROOT / "metrics").rglob("*.yml"):
        names.update(re.findall(r"\benv:\s*([A-Z][A-Z0-9_]+)", path.read_text(encoding="utf-8")))
    names.update(re.findall(r"\$\{([A-Z][A-Z0-9_]+)", COMPOSE.read_text(encoding="utf-8")))
    return {name for name in names if not FOREIGN.match(name)}


def listed():
    """The names that the example file lists, set or behind a `#`."""
    return set(re.findall(r"^(?:# )?([A-Z][A-Z0-9_]+)=", EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE))


def check_with(schema, path):
    """Hold a file against a schema that check-jsonschema carries."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(path)]
    assert ran(command)


def ran(command):
    """Run a command; whether it succeeded. What it printed is shown where a test fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    print(done.stdout + done.stderr)
    return done.returncode == 0


def test_every_variable_is_in_the_example():
    """A variable that the code or a spec reads stands in env/.env.example."""
    assert read_by_code() - listed() == set()


def test_every_variable_of_the_example_is_read():
    """A variable that the example lists is named where something reads it."""
    places = ["dashpipe", "metrics", "tests/conftest.py", "docker-compose.yml", ".ci/airflow"]
    files = [path for one in places for path in ((ROOT / one).rglob("*") if "." not in one else [ROOT / one])]
    texts = [
        path.read_text("utf-8") for path in files if path.suffix in (".py", ".yml", "") and path.is_file()
    ]
    assert [name for name in listed() if not any(name in text for text in texts)] == []


def test_example_sets_only_connections():
    """What the example sets are the connections; all else is behind a `#`, so that a copy changes nothing."""
    from dotenv import dotenv_values

    values = dotenv_values(EXAMPLE)
    assert set(values) == {"DASHPIPE_SOURCE_URI", "DASHPIPE_TARGET_URI"}
    assert all(value and value.startswith("mongodb://127.0.0.1:27017/") for value in values.values())


def test_compose_file_is_of_its_schema():
    """docker-compose.yml is valid against the Compose specification."""
    check_with("vendor.compose-spec", COMPOSE)


def test_compose_mounts_what_is_there():
    """Mounted folders and files, and those that the image is built from, are in the repository."""
    compose = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    airflow = compose["services"]["airflow"]
    paths = [one.split(":")[0] for one in airflow["volumes"] if one.startswith("./")]
    assert {"./dags", "./metrics", "./dashpipe.toml"} <= set(paths)
    for line in re.findall(r"^COPY (.*)$", airflow["build"]["dockerfile_inline"], re.MULTILINE):
        paths += [one for one in line.split()[:-1] if not one.startswith("--")]
    assert [one for one in paths if not (ROOT / one).exists()] == []
    kept = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert [one for one in paths if not one.startswith("./") and f"!{one}" not in kept] == []


def test_compose_names_one_airflow():
    """Image, installed version and the extra of the package are the same minor version of Airflow."""
    text = COMPOSE.read_text(encoding="utf-8")
    versions = set(re.findall(r"apache[/-]airflow(?::|==)([\d.]+)", text))
    assert len(versions) == 1
    minor = ".".join(versions.pop().split(".")[:2])
    assert f'"apache-airflow>={minor},<' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_compose_config():
    """`docker compose config` takes the file."""
    docker = shutil.which("docker")
    if (
        docker is None
        or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode
    ):
        pytest.skip("there is no `docker compose` on this machine; the schema test above stands in for it")
    assert ran([docker, "compose", "-f", str(COMPOSE), "config", "--quiet"])


def test_workflow_is_of_its_schema():
    """The CI workflow is valid against GitHub's schema."""
    check_with("vendor.github-workflows", WORKFLOW)


def test_workflow_runs_what_the_readme_says():
    """CI runs `make test` and `make demo` and `.ci/run`, with actions of fixed majors."""
    workflow = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    ran = [step["run"] for step in steps if "run" in step]
    assert any(one.startswith("make test") for one in ran)
    assert {"make demo", ".ci/run"} <= set(ran)
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step["uses"]) for step in steps if "uses" in step)
