"""What the DAG files load: one DAG for a worker, all that Airflow takes for the processor, every problem."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dashpipe.compile import store
from dashpipe.compile.hashes import hashes
from dashpipe.compile.project import compile_project
from dashpipe.spec.project import load
from tests.compile.projects import project, subject, write

BROKEN = subject("bad").replace("orders_count", "orders_cuont")
TEMPLATES = Path(__file__).parents[2] / "dashpipe" / "cli" / "templates"


def imported(dags: Path, name: str = "generate.py") -> dict[str, Any]:
    """The globals of a DAG file, as Airflow imports it."""
    file = dags / name
    names: dict[str, Any] = {"__file__": str(file), "__name__": "generated"}
    exec(compile(file.read_text(), str(file), "exec"), names)
    return names


def ids(dags: Path) -> list[str]:
    from airflow.sdk import DAG

    return sorted(one.dag_id for one in imported(dags).values() if isinstance(one, DAG))


def problems(dags: Path) -> str:
    """What ``_spec_errors.py`` raises; empty where it raises nothing."""
    from dashpipe.airflow.loader import SpecErrors

    try:
        imported(dags, "_spec_errors.py")
    except SpecErrors as error:
        return str(error)
    return ""


def deployed(root: Path) -> None:
    """Compile as a deployment does."""
    manifest, _ = compile_project(load(root), hashes(root), {})
    store.write(root / "dags" / store.FOLDER, manifest)


def alone(root: Path) -> None:
    """Leave only the DAG files and the manifest, as where ``dags/`` alone is deployed."""
    (root / "dashpipe.toml").unlink()
    (root / "metrics").rename(root / "gone")


@pytest.mark.parametrize("name", ["generate.py", "_spec_errors.py"])
def test_the_dag_files_are_the_templates_of_init(dags: Path, name: str) -> None:
    """``dashpipe init`` writes the files that are tested here."""
    assert (dags / name).read_text() == (TEMPLATES / f"{name}.j2").read_text()


@pytest.mark.parametrize("name", ["generate.py", "_spec_errors.py"])
def test_airflow_finds_the_dag_files(dags: Path, name: str) -> None:
    """Airflow's scanner, which looks for two words in a file, takes both for DAG files."""
    from airflow.utils.file import might_contain_dag

    assert might_contain_dag(str(dags / name), safe_mode=True)


def test_specs_beside_the_dags_are_compiled(tmp_path: Path, dags: Path) -> None:
    """Without a manifest the processor writes one; a change of a spec is in the next parse."""
    project(tmp_path, "one")
    assert ids(dags) == ["acme_shop_one_v1"]
    assert problems(dags) == ""
    assert (dags / "_manifest" / "acme_shop_one_v1.json").is_file()
    write(tmp_path, {"metrics/shop/two.yml": subject("two")})
    assert ids(dags) == ["acme_shop_one_v1", "acme_shop_two_v1"]


def test_an_unchanged_project_is_not_compiled_again(
    tmp_path: Path, dags: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the manifest up to date no spec is parsed."""
    project(tmp_path, "one")
    assert ids(dags)
    monkeypatch.setattr("dashpipe.spec.reader.read", None)
    assert ids(dags) == ["acme_shop_one_v1"]


def test_the_dags_folder_alone_is_enough(tmp_path: Path, dags: Path) -> None:
    """Where only ``dags/`` is deployed, the manifest says everything, errors too."""
    project(tmp_path, "one")
    write(tmp_path, {"metrics/shop/bad.yml": BROKEN})
    deployed(tmp_path)
    alone(tmp_path)
    assert ids(dags) == ["acme_shop_bad_v1", "acme_shop_one_v1"]
    assert "metrics/shop/bad.yml:9:11: error N002" in problems(dags)


def test_a_folder_that_cannot_be_written(tmp_path: Path, dags: Path) -> None:
    """Where the manifest cannot be kept it is made in memory, for the processor and for a worker."""
    project(tmp_path, "one")
    (dags / "_manifest").write_text("a file where the folder should be")
    assert ids(dags) == ["acme_shop_one_v1"]
    assert problems(dags) == ""
    from dashpipe.airflow.current import one

    entry = one(dags, "acme_shop_one_v1")
    assert entry is not None
    assert entry["state"] == "ok"


def test_a_mistake_of_ours_leaves_the_dags_as_they_were(
    tmp_path: Path, dags: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where compiling itself breaks, processor and worker go by the manifest of before; the errors say so."""
    project(tmp_path, "one")
    assert ids(dags) == ["acme_shop_one_v1"]
    write(tmp_path, {"metrics/shop/one.yml": subject("one", "tags: [fresh]\n")})

    def breaks(_: Any) -> None:
        raise RuntimeError("out of luck")

    monkeypatch.setattr("dashpipe.lint.lint", breaks)
    assert ids(dags) == ["acme_shop_one_v1"]
    assert "the DAGs are as they were before: RuntimeError: out of luck" in problems(dags)
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "acme_shop_one_v1")
    assert ids(dags) == ["acme_shop_one_v1"]


def test_nothing_to_load_raises_in_the_other_file_only(dags: Path) -> None:
    """Without manifest and specs the DAG file is empty, and the errors say what to do."""
    assert ids(dags) == []
    from dashpipe.compile.store import ManifestError

    with pytest.raises(ManifestError, match=r"there is no manifest in .*write it with `dashpipe compile`"):
        imported(dags, "_spec_errors.py")


def test_a_torn_entry_hides_no_other(tmp_path: Path, dags: Path) -> None:
    """An entry that cannot be read, or is missing, is a problem of its own."""
    project(tmp_path, "one", "two", "three")
    deployed(tmp_path)
    alone(tmp_path)
    (dags / "_manifest" / "acme_shop_two_v1.json").write_text('{"version": 1')
    (dags / "_manifest" / "acme_shop_three_v1.json").unlink()
    assert ids(dags) == ["acme_shop_one_v1"]
    text = problems(dags)
    assert "acme_shop_two_v1.json cannot be read" in text
    assert "lists acme_shop_three_v1 and does not have it" in text


def test_a_worker_opens_one_entry(tmp_path: Path, dags: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the parsing context's DAG id only that entry is opened: neither index nor another one."""
    project(tmp_path, "one", "two")
    deployed(tmp_path)
    alone(tmp_path)
    (dags / "_manifest" / "index.json").write_text("not read")
    (dags / "_manifest" / "acme_shop_two_v1.json").write_text("not read")
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "acme_shop_one_v1")
    assert ids(dags) == ["acme_shop_one_v1"]
    assert problems(dags) == ""


@pytest.mark.parametrize("name", ["someone_elses_dag", "acme_shop_nobody_v1", "../index"])
def test_a_worker_of_another_dag_gets_nothing(
    tmp_path: Path, dags: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A DAG id that is no subject's builds nothing."""
    project(tmp_path, "one")
    deployed(tmp_path)
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", name)
    assert ids(dags) == []


def test_a_worker_sees_a_spec_that_has_changed(
    tmp_path: Path, dags: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the specs lie beside the DAGs, a worker runs no entry that is out of date, and writes nothing."""
    project(tmp_path, "one")
    deployed(tmp_path)
    before = (dags / "_manifest" / "acme_shop_one_v1.json").read_bytes()
    write(tmp_path, {"metrics/shop/one.yml": subject("one", "tags: [fresh]\n")})
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "acme_shop_one_v1")
    assert "fresh" in imported(dags)["acme_shop_one_v1"].tags
    assert (dags / "_manifest" / "acme_shop_one_v1.json").read_bytes() == before


def test_a_retired_subject_with_a_run_in_flight(
    tmp_path: Path, dags: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker still finds the plan of a subject whose file is gone, until the processor takes it away."""
    project(tmp_path, "one")
    deployed(tmp_path)
    write(tmp_path, {"metrics/shop/one.yml": ""})
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "acme_shop_one_v1")
    assert ids(dags) == ["acme_shop_one_v1"]


def test_a_policy_refuses_one_dag(tmp_path: Path, dags: Path, policies: Any) -> None:
    """A DAG that a cluster policy refuses is not handed over; the errors name it, its file and the reason."""
    from airflow.exceptions import AirflowClusterPolicyViolation
    from airflow.policies import hookimpl

    class Refuses:
        @staticmethod
        @hookimpl
        def dag_policy(dag: Any) -> None:
            if "forbidden" in dag.tags:
                raise AirflowClusterPolicyViolation("forbidden")

    project(tmp_path, "one", "two")
    write(tmp_path, {"metrics/shop/two.yml": subject("two", "tags: [forbidden]\n")})
    policies.register(Refuses)
    assert ids(dags) == ["acme_shop_one_v1"]
    assert problems(dags).splitlines()[-1] == (
        "metrics/shop/two.yml: acme_shop_two_v1 is refused: AirflowClusterPolicyViolation: forbidden"
    )


def test_a_policy_that_breaks_on_a_task(tmp_path: Path, dags: Path, policies: Any) -> None:
    """Any exception of a policy is caught, for tasks too; one that skips a DAG is no error."""
    from airflow.exceptions import AirflowClusterPolicySkipDag
    from airflow.policies import hookimpl

    class Breaks:
        @staticmethod
        @hookimpl
        def task_policy(task: Any) -> None:
            if task.task_id == "load_one":
                raise KeyError("cost_center")
            if task.task_id == "load_two":
                raise AirflowClusterPolicySkipDag

    project(tmp_path, "one", "two", "three")
    policies.register(Breaks)
    assert ids(dags) == ["acme_shop_three_v1"]
    assert problems(dags).splitlines()[2:] == [
        "metrics/shop/one.yml: acme_shop_one_v1 is refused: KeyError: 'cost_center'"
    ]


def test_a_policy_changes_a_dag_once(tmp_path: Path, dags: Path, policies: Any) -> None:
    """The DAG that Airflow gets was not touched yet: Airflow applies its policies itself."""
    from airflow.policies import hookimpl

    class Renames:
        @staticmethod
        @hookimpl
        def task_policy(task: Any) -> None:
            task.owner = f"{task.owner}+"

    project(tmp_path, "one")
    policies.register(Renames)
    dag = imported(dags)["acme_shop_one_v1"]
    assert {task.owner for task in dag.tasks} == {"shop-team"}


def test_a_stub_says_what_is_wrong_and_cleans_up(tmp_path: Path, dags: Path) -> None:
    """The tasks of a stub fail with the finding, without another try; its cleanup is done."""
    from airflow.sdk.exceptions import AirflowFailException

    project(tmp_path, "one")
    write(tmp_path, {"metrics/shop/bad.yml": BROKEN})
    dag = imported(dags)["acme_shop_bad_v1"]
    assert "spec-error" in dag.tags
    for task in dag.tasks:
        if task.step == "cleanup":
            assert task.execute({}) == {"nothing": "the spec never was good, so there is nothing to clean up"}
        else:
            with pytest.raises(
                AirflowFailException, match=r"the spec is broken:\nmetrics/shop/bad.yml:9:11: error"
            ):
                task.execute({})


def test_a_plan_that_is_gone_fails_for_good(tmp_path: Path, dags: Path) -> None:
    """A task whose entry is gone says so, without another try."""
    from airflow.sdk.exceptions import AirflowFailException

    project(tmp_path, "one")
    task = imported(dags)["acme_shop_one_v1"].get_task("load_one")
    (dags / "_manifest" / "acme_shop_one_v1.json").unlink()
    write(tmp_path, {"metrics/shop/one.yml": ""})
    with pytest.raises(AirflowFailException, match="there is no plan of acme_shop_one_v1"):
        task.execute({"dag_run": SimpleNamespace()})
