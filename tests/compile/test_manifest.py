"""The manifest: stable bytes, last good plans, stubs, retirement, and files written whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from dashpipe.compile import store
from dashpipe.compile.entry import INDEX
from dashpipe.compile.hashes import hashes
from dashpipe.compile.manifest import Manifest
from dashpipe.compile.project import compile_project
from dashpipe.compile.schema import disagreements
from dashpipe.compile.store import ManifestError
from dashpipe.lint import lint
from dashpipe.spec import codec
from dashpipe.spec.model import Metric
from dashpipe.spec.project import load
from tests.compile.projects import SETTINGS, model, project, subject, write


def compiled(root: Path) -> Manifest:
    """Compile a project over the manifest that is there, and write it."""
    place = root / "dags" / "_manifest"
    manifest, _ = compile_project(load(root), hashes(root), store.read(place))
    store.write(place, manifest)
    return manifest


def states(manifest: Manifest) -> dict[str, str]:
    return {name: entry["state"] for name, entry in manifest.entries.items()}


def broken(name: str, more: str = "") -> str:
    """A subject's file that takes a metric which is not there."""
    return subject(name, more).replace("orders_count", "orders_cuont")


def test_an_entry_holds_the_subject_and_its_dag(tmp_path: Path) -> None:
    """An entry carries the resolved subject, its fingerprint, and all that Airflow needs to know."""
    entry = compiled(project(tmp_path, "daily")).entries["acme_shop_daily_v1"]
    made = codec.from_json(entry["subject"])
    assert made.id == entry["dag_id"] == "acme_shop_daily_v1"
    assert entry["fingerprint"] == codec.fingerprint(made)
    assert entry["state"] == "ok"
    assert entry["findings"] == []
    assert entry["allow_env"] == ["SHOP_*"]
    assert entry["allow_files"] == []
    assert entry["allow_hosts"] == []
    assert sorted(entry["inputs"]) == [
        "dashpipe.toml",
        "metrics/shop/daily.yml",
        "metrics/shop/models/orders.yml",
    ]
    dag = entry["dag"]
    assert dag["schedule"] == {"cron": "15 3 * * *"}
    assert (dag["timezone"], dag["start_date"], dag["owner"]) == ("Europe/London", "2024-01-01", "shop-team")
    assert dag["tags"] == ["acme", "dashpipe", "shop"]
    assert [one["id"] for one in dag["tasks"]] == [
        "extract_orders",
        "transform_daily",
        "validate_daily",
        "load_daily",
        "publish_daily",
        "cleanup_daily",
    ]


def test_the_documentation_says_what_and_where_from(tmp_path: Path) -> None:
    """``doc_md`` has the description, each metric with unit and meaning, and the file they come from."""
    entry = compiled(project(tmp_path, "daily")).entries["acme_shop_daily_v1"]
    text = entry["dag"]["doc_md"]
    assert text.startswith("Orders by country.")
    assert "| source of truth | `metrics/shop/daily.yml`, version 1, spec `" in text
    assert entry["fingerprint"]["data"][:12] in text
    assert "| orders_revenue | sum of `total` (orders) | EUR | What was paid. |" in text
    assert "| runs | `15 3 * * *` in Europe/London |" in text
    assert "| written to, day | `dash_daily` |" in text


def test_a_cell_of_the_documentation_stays_a_cell(tmp_path: Path) -> None:
    """A bar or a line break in a description does not break the table."""
    project(tmp_path, "daily")
    text = model().replace("What was paid.", '"a | b\\nc"')
    write(tmp_path, {"metrics/shop/models/orders.yml": text})
    assert "| a \\| b c |" in compiled(tmp_path).entries["acme_shop_daily_v1"]["dag"]["doc_md"]


def test_bytes_are_the_same_in_every_process(tmp_path: Path) -> None:
    """Two processes with different hash seeds write the same bytes, errors too."""
    project(tmp_path, "one", "two", "three")
    write(tmp_path, {"metrics/shop/four.yml": broken("four"), "metrics/shop/five.yml": "subject: [\n"})
    found = []
    for seed in ("1", "77"):
        out = tmp_path / f"out{seed}"
        command = [sys.executable, "-m", "dashpipe", "--project", str(tmp_path), "compile", "--out", str(out)]
        done = subprocess.run(
            command, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=False
        )
        assert done.returncode == 1, done.stderr.decode()
        found.append({path.name: path.read_bytes() for path in out.iterdir()})
    assert found[0] == found[1]
    assert set(found[0]) == {
        INDEX,
        *(f"acme_shop_{name}_v1.json" for name in ("one", "two", "three", "four")),
    }


def test_only_what_changed_is_written(tmp_path: Path) -> None:
    """A second compile writes nothing; a change of one spec writes its entry and the index."""
    project(tmp_path, "one", "two")
    place = tmp_path / "dags" / "_manifest"
    compiled(tmp_path)
    before = {path.name: path.stat().st_mtime_ns for path in place.iterdir()}
    compiled(tmp_path)
    assert {path.name: path.stat().st_mtime_ns for path in place.iterdir()} == before
    write(tmp_path, {"metrics/shop/one.yml": subject("one", "tags: [new]\n")})
    manifest, _ = compile_project(load(tmp_path), hashes(tmp_path), store.read(place))
    done = store.write(place, manifest)
    assert done.written == ("acme_shop_one_v1.json", INDEX)
    assert done.kept == ("acme_shop_two_v1.json",)


def test_what_is_reused_is_what_would_be_made(tmp_path: Path) -> None:
    """Over any change, reusing the entries of unchanged files gives the same bytes as making all anew."""
    project(tmp_path, "one", "two", "three")
    write(tmp_path, {"metrics/shop/next.yml": subject("next", schedule="{after: [acme_shop_one]}")})
    compiled(tmp_path)
    second = subject("one", "version: 2\n").replace("dash_one", "dash_one_next")
    for change in (
        {"metrics/shop/two.yml": subject("two", "tags: [new]\n")},
        {"metrics/shop/one_v2.yml": second},
        {"metrics/shop/three.yml": broken("three")},
        {"metrics/shop/three.yml": subject("three")},
        {"metrics/shop/models/orders.yml": model().replace("unit: EUR", "unit: USD")},
        {"dashpipe.toml": SETTINGS.replace("SHOP_*", "DASH_*")},
        {"metrics/shop/one_v2.yml": ""},
    ):
        write(tmp_path, change)
        read, found = load(tmp_path), hashes(tmp_path)
        before = store.read(tmp_path / "dags" / "_manifest")
        reused, _ = compile_project(read, found, before, reuse=True)
        anew, _ = compile_project(read, found, before)
        assert reused.texts == anew.texts
        same = [name for name, entry in reused.entries.items() if entry is before.get(name)]
        of_all = {"dashpipe.toml", "metrics/shop/models/orders.yml"} & set(change)
        assert bool(same) is not bool(of_all)
        compiled(tmp_path)


def test_a_broken_spec_keeps_its_last_good_plan(tmp_path: Path) -> None:
    """The entry holds the plan that was good, a mark and the finding; the next good spec takes its place."""
    project(tmp_path, "one", "two")
    good = compiled(tmp_path)
    write(tmp_path, {"metrics/shop/one.yml": broken("one")})
    for _ in range(2):  # a second compile finds the last good plan in the entry of the first
        manifest = compiled(tmp_path)
        entry = manifest.entries["acme_shop_one_v1"]
        was = good.entries["acme_shop_one_v1"]
        assert entry["state"] == "last_good"
        assert entry["subject"] == was["subject"]
        assert entry["fingerprint"] == was["fingerprint"]
        assert entry["dag"]["tasks"] == was["dag"]["tasks"]
        assert "spec-error" in entry["dag"]["tags"]
        (line,) = entry["findings"]
        assert line.startswith("metrics/shop/one.yml:9:11: error ")
        assert line in entry["dag"]["doc_md"]
        assert [one["text"] for one in manifest.errors] == [line]
        assert manifest.entries["acme_shop_two_v1"]["state"] == "ok"
    write(tmp_path, {"metrics/shop/one.yml": subject("one")})
    assert compiled(tmp_path).texts == good.texts


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(model().replace("expr: total", "expr: total +"), id="expression"),
        pytest.param(model().replace("time: paid_at", "tiem: paid_at"), id="shape"),
        pytest.param("model: orders\n  bad: [\n", id="unreadable"),
        pytest.param("", id="gone"),
    ],
)
def test_a_broken_model_keeps_the_plans_of_its_subjects(tmp_path: Path, text: str) -> None:
    """Every subject of a broken model keeps its last good plan; a subject of another model is as it was."""
    project(tmp_path, "one", "two")
    refunds = subject("refunds", model="refunds")
    write(
        tmp_path, {"metrics/shop/models/refunds.yml": model("refunds"), "metrics/shop/refunds.yml": refunds}
    )
    good = compiled(tmp_path)
    assert set(states(good).values()) == {"ok"}
    write(tmp_path, {"metrics/shop/models/orders.yml": text})
    manifest = compiled(tmp_path)
    assert states(manifest) == {
        "acme_shop_one_v1": "last_good",
        "acme_shop_two_v1": "last_good",
        "acme_shop_refunds_v1": "ok",
    }
    for name in ("acme_shop_one_v1", "acme_shop_two_v1"):
        assert manifest.entries[name]["subject"] == good.entries[name]["subject"]
        assert manifest.entries[name]["findings"]


def test_a_subject_is_not_compiled_without_one_of_its_models(tmp_path: Path) -> None:
    """Where one of two models cannot be read, the subject is broken, not smaller."""
    project(tmp_path, "one")
    both = (
        subject("one")
        .replace("sources: [orders]", "sources: [orders, refunds]")
        .replace("[orders_count,", "[refunds_count, orders_count,")
    )
    write(
        tmp_path,
        {"metrics/shop/one.yml": both, "metrics/shop/models/refunds.yml": "model: refunds\n  x: [\n"},
    )
    entry = compiled(tmp_path).entries["acme_shop_one_v1"]
    assert entry["state"] == "stub"
    assert [one["id"] for one in entry["dag"]["tasks"]][:2] == ["extract_orders", "extract_refunds"]


def test_a_spec_that_never_was_good_is_a_stub(tmp_path: Path) -> None:
    """It has the id and the task ids that it will have, runs by hand only, and says what is wrong."""
    project(tmp_path, "one")
    write(tmp_path, {"metrics/shop/two.yml": broken("two")})
    entry = compiled(tmp_path).entries["acme_shop_two_v1"]
    assert entry["state"] == "stub"
    assert entry["subject"] is None
    assert entry["dag"]["schedule"] is None
    assert [one["id"] for one in entry["dag"]["tasks"]] == [
        "extract_orders",
        *(f"{step}_two" for step in ("transform", "validate", "load", "publish", "cleanup")),
    ]
    assert len(entry["findings"]) == 1


def test_on_broken_stub_keeps_the_plan_for_the_cleanup(tmp_path: Path) -> None:
    """With ``on_broken: stub`` the tasks fail; the last good subject stays, so that cleanup finds it."""
    project(tmp_path, "one")
    write(tmp_path, {"metrics/shop/one.yml": subject("one", "airflow: {on_broken: stub}\n")})
    good = compiled(tmp_path).entries["acme_shop_one_v1"]
    write(tmp_path, {"metrics/shop/one.yml": broken("one", "airflow: {on_broken: stub}\n")})
    entry = compiled(tmp_path).entries["acme_shop_one_v1"]
    assert (entry["state"], entry["subject"]) == ("stub", good["subject"])


@pytest.mark.parametrize(
    "text", ["subject: one\n bad: [\n", "\tsubject: one\n", "- a\n", "subject: {a: b}\n", "\x00"]
)
def test_a_file_that_cannot_be_read_keeps_its_plan(tmp_path: Path, text: str) -> None:
    """Whatever stands in the file now, the plan of the subject that it was stays."""
    project(tmp_path, "one", "two")
    good = compiled(tmp_path)
    write(tmp_path, {"metrics/shop/one.yml": text})
    for _ in range(2):
        manifest = compiled(tmp_path)
        assert states(manifest) == {"acme_shop_one_v1": "last_good", "acme_shop_two_v1": "ok"}
        assert manifest.entries["acme_shop_one_v1"]["subject"] == good.entries["acme_shop_one_v1"]["subject"]


@pytest.mark.parametrize("text", ["[defaults\n", '[defaults]\nproject = "Not A Name"\n', "unknown = 1\n"])
def test_broken_settings_keep_every_plan(tmp_path: Path, text: str) -> None:
    """Settings that cannot be read retire nothing and rename nothing."""
    project(tmp_path, "one", "two")
    good = compiled(tmp_path)
    write(tmp_path, {"dashpipe.toml": text})
    manifest = compiled(tmp_path)
    assert states(manifest) == {"acme_shop_one_v1": "last_good", "acme_shop_two_v1": "last_good"}
    assert all(manifest.entries[name]["subject"] == good.entries[name]["subject"] for name in good.entries)


def test_a_missing_folder_of_specs_retires_nothing(tmp_path: Path) -> None:
    """A folder that is gone as a whole is a mistake of the deployment, and is said."""
    project(tmp_path, "one")
    compiled(tmp_path)
    (tmp_path / "metrics").rename(tmp_path / "elsewhere")
    manifest = compiled(tmp_path)
    assert states(manifest) == {"acme_shop_one_v1": "last_good"}
    assert "there is no folder `metrics`" in manifest.errors[0]["text"]


def test_a_deleted_file_retires_its_subject(tmp_path: Path) -> None:
    """Its entry and its file go; so do those of a subject that took another version."""
    project(tmp_path, "one", "two")
    compiled(tmp_path)
    write(tmp_path, {"metrics/shop/one.yml": "", "metrics/shop/two.yml": subject("two", "version: 2\n")})
    assert states(compiled(tmp_path)) == {"acme_shop_two_v2": "ok"}
    place = tmp_path / "dags" / "_manifest"
    assert sorted(path.name for path in place.iterdir()) == ["acme_shop_two_v2.json", INDEX]


@pytest.mark.parametrize("name", ["aone", "zone"])
def test_two_files_of_one_identity_leave_the_plan_that_was(tmp_path: Path, name: str) -> None:
    """Another file that takes the same identity is an error, and takes over no DAG, wherever it sorts."""
    project(tmp_path, "one")
    good = compiled(tmp_path).entries["acme_shop_one_v1"]
    write(tmp_path, {f"metrics/shop/{name}.yml": subject("one").replace("dash_one", "dash_other")})
    manifest = compiled(tmp_path)
    assert list(manifest.entries) == ["acme_shop_one_v1"]
    assert manifest.entries["acme_shop_one_v1"]["subject"] == good["subject"]
    assert manifest.entries["acme_shop_one_v1"]["file"] == "metrics/shop/one.yml"
    assert [one["code"] for one in manifest.errors] == ["N013"]


def test_after_is_every_current_major(tmp_path: Path) -> None:
    """``after: [x]`` follows all majors of x that have a file, broken ones too."""
    project(tmp_path, "one")
    second = subject("one", "version: 2\n").replace("dash_one", "dash_one_next")
    follows = subject("next", schedule="{after: [acme_shop_one]}")
    write(tmp_path, {"metrics/shop/one_v2.yml": second, "metrics/shop/next.yml": follows})
    wanted = {"after": ["acme_shop_one_v1", "acme_shop_one_v2"]}
    assert compiled(tmp_path).entries["acme_shop_next_v1"]["dag"]["schedule"] == wanted
    write(tmp_path, {"metrics/shop/one_v2.yml": second.replace("orders_count", "orders_cuont")})
    assert compiled(tmp_path).entries["acme_shop_next_v1"]["dag"]["schedule"] == wanted


def test_presets_become_five_fields(tmp_path: Path) -> None:
    """Versions of Airflow know different presets; five fields mean the same to all."""
    project(tmp_path)
    write(tmp_path, {"metrics/shop/one.yml": subject("one", schedule='"@midnight"')})
    assert compiled(tmp_path).entries["acme_shop_one_v1"]["dag"]["schedule"] == {"cron": "0 0 * * *"}


def test_a_write_that_fails_leaves_the_index_before(tmp_path: Path) -> None:
    """The index is written last: what it lists is there, also when a write stops half-way."""
    project(tmp_path, "one")
    compiled(tmp_path)
    place = tmp_path / "dags" / "_manifest"
    before = (place / INDEX).read_bytes()
    (place / "acme_shop_two_v1.json").mkdir()
    write(tmp_path, {"metrics/shop/two.yml": subject("two")})
    with pytest.raises(OSError, match="irectory"):
        compiled(tmp_path)
    assert (place / INDEX).read_bytes() == before
    assert [path.name for path in place.iterdir() if path.name.endswith(".part")] == []


def test_a_manifest_of_another_version_says_what_to_do(tmp_path: Path) -> None:
    """Neither a newer manifest nor a torn one is read as if it were ours."""
    (tmp_path / INDEX).write_text(json.dumps({"version": 99}))
    with pytest.raises(
        ManifestError, match="of another version of dashpipe; write it again with `dashpipe compile`"
    ):
        store.read_index(tmp_path)
    (tmp_path / INDEX).write_text('{"version": 1')
    with pytest.raises(ManifestError, match="cannot be read"):
        store.read_index(tmp_path)


@pytest.mark.parametrize("name", ["../index", "index", "a/b_v1", "other-dag", "Acme_x_v1", "acme_v01"])
def test_what_is_no_id_opens_no_file(tmp_path: Path, name: str) -> None:
    """The id of a DAG that is not ours never becomes a path."""
    assert store.read_entry(tmp_path, name) is None


def test_settings_are_one_name() -> None:
    """The manifest's light copy of the settings' name is that of the specs."""
    from dashpipe.compile import entry
    from dashpipe.spec import project as specs

    assert entry.SETTINGS == specs.SETTINGS
    assert SETTINGS.startswith("metrics")


def test_the_json_schema_is_a_second_reader(tmp_path: Path) -> None:
    """What lint lets through and the published schema refuses is said at its place, as dashpipe's mistake."""
    project(tmp_path, "one")
    write(
        tmp_path, {"metrics/shop/one.yml": subject("one").replace("lookback_days: 3", "lookback_days: many")}
    )
    read = load(tmp_path)
    assert list(disagreements(read, lint(read))) == []
    (found,) = disagreements(read, [])
    assert (found.code, found.file, found.path) == ("L005", "metrics/shop/one.yml", ("lookback_days",))
    assert (found.span.line, found.span.column) == (5, 16)
    assert found.message.startswith("the JSON Schema refuses this, and no rule says why: ")


def test_what_has_no_plan_is_broken(tmp_path: Path) -> None:
    """A subject that lint accepts and the compiler does not is broken here, not in its first run."""
    from dashpipe.compile.project import _compiled, _specs

    read = load(project(tmp_path, "one"))
    (good,) = _specs(read, [])
    assert _compiled(read, good) is good
    assert good.subject is not None
    circular = tuple(Metric(name, "ratio", numerator="b", denominator="a") for name in ("a", "b"))
    spec = _compiled(read, replace(good, subject=replace(good.subject, metrics=circular)))
    assert spec.subject is None
    (found,) = spec.findings
    assert found.message.startswith(
        "this cannot be compiled, and no rule says why: metrics refer to each other"
    )
    assert (found.file, found.span.line) == ("metrics/shop/one.yml", 2)
