"""`dashpipe init`: what it writes passes its own lint, compiles, and never overwrites."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import yaml

from dashpipe.cli.init import FILES, SCHEMA


def dashpipe(folder, *arguments):
    """Call the command line in a process of its own, in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "dashpipe", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A new project in Berlin."""
    folder = tmp_path_factory.mktemp("init") / "my-shop"
    done = dashpipe(folder.parent, "init", "my-shop", "--timezone", "Europe/Berlin", "--owner", "shop-team")
    assert done.returncode == 0, done.stderr
    return folder


def test_writes_all_files(made):
    """Settings, an example, DAG files, hook, CI job, variables and schema are there."""
    written = {path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file()}
    assert written == {*FILES, SCHEMA}


def test_passes_its_own_lint(made):
    """A new project has neither errors nor warnings."""
    done = dashpipe(made, "lint", "--strict", "--format", "json")
    assert (done.returncode, json.loads(done.stdout)["findings"]) == (0, [])


def test_compiles(made):
    """A new project compiles to one DAG, named after its folder, in the time zone asked for."""
    done = dashpipe(made, "compile")
    assert done.returncode == 0, done.stderr
    entry = json.loads((made / "dags" / "_manifest" / "my_shop_shop_daily_v1.json").read_text("utf-8"))
    assert (entry["dag"]["timezone"], entry["dag"]["owner"]) == ("Europe/Berlin", "shop-team")


def test_dag_files_are_this_repositorys(made):
    """The DAG files of a new project are those that this repository's tests run."""
    from tests.docs.fences import ROOT

    for name in ("generate.py", "_spec_errors.py"):
        assert (made / "dags" / name).read_text("utf-8") == (ROOT / "dags" / name).read_text("utf-8")


def test_schema_is_the_code_s(made):
    """The schema that editors read is the one that `dashpipe schema` prints."""
    assert (made / SCHEMA).read_text("utf-8") == dashpipe(made, "schema").stdout


def test_hook_and_job_call_lint(made):
    """The hook runs once over the whole project; the CI job lints with annotations."""
    hooks = yaml.safe_load((made / ".pre-commit-config.yaml").read_text("utf-8"))["repos"][0]["hooks"]
    assert [(one["entry"], one["pass_filenames"], one["always_run"]) for one in hooks] == [
        ("dashpipe lint", False, True)
    ]
    job = yaml.safe_load((made / ".github/workflows/metrics.yml").read_text("utf-8"))["jobs"]["lint"]
    assert "dashpipe lint --format github" in [step.get("run") for step in job["steps"]]


def test_again_keeps_what_is_there(tmp_path):
    """A second call overwrites nothing, and says so; what is missing is written."""
    dashpipe(tmp_path, "init", "--name", "shop")
    settings = tmp_path / "dashpipe.toml"
    settings.write_text("# mine\n", "utf-8")
    (tmp_path / ".gitignore").unlink()
    done = dashpipe(tmp_path, "init", "--name", "shop")
    assert done.returncode == 0
    assert settings.read_text("utf-8") == "# mine\n"
    assert "kept     dashpipe.toml" in done.stdout
    assert "written  .gitignore" in done.stdout


def test_wrong_time_zone_is_said(tmp_path):
    """A zone that is not there writes nothing."""
    done = dashpipe(tmp_path, "init", "--timezone", "Berlin")
    assert done.returncode == 2
    assert "Europe/London" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("folder", "project"), [("My Shop 2", "my_shop_2"), ("7days", "shop"), ("données", "donn_es")]
)
def test_folder_gives_a_legal_name(tmp_path, folder, project):
    """Whatever the folder's name, the project's is legal."""
    (tmp_path / folder).mkdir()
    done = dashpipe(tmp_path, "init", folder)
    assert done.returncode == 0
    assert f'project = "{project}"' in (tmp_path / folder / "dashpipe.toml").read_text("utf-8")
    assert dashpipe(tmp_path / folder, "lint", "--strict").returncode == 0


def test_folder_that_cannot_be_written(tmp_path):
    """Where a file stands in the way of a folder, it says which."""
    (tmp_path / "metrics").write_text("", "utf-8")
    done = dashpipe(tmp_path, "init")
    assert done.returncode == 2
    assert "metrics/shop/models/orders.yml cannot be written" in done.stderr
