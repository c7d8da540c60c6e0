"""Reading a project: which files, in which order, and what is not followed."""

from __future__ import annotations

from pathlib import Path

from dashpipe.spec.diagnostic import Span
from dashpipe.spec.model import Origin
from dashpipe.spec.project import load, walk
from tests.spec.projects import project


def test_files_are_read_in_order_of_their_names(tmp_path: Path) -> None:
    """Every spec below the folder is read, sorted; other files and hidden ones are not."""
    files = {
        f"metrics/{name}": "dashpipe: 1\n"
        for name in ("b/x.yaml", "a/z.yml", "a/b/y.yml", ".git/w.yml", "a/.v.yml")
    }
    read = project(tmp_path, {**files, "metrics/notes.md": "no spec"})
    assert [one.path for one in read.files] == [
        "metrics/a/b/y.yml",
        "metrics/a/z.yml",
        "metrics/b/x.yaml",
        "metrics/models/orders.yml",
        "metrics/models/visits.yml",
    ]


def test_links_out_of_the_project_are_not_read(tmp_path: Path) -> None:
    """A link to what lies outside is a finding, and not read; links within are followed."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "secret.yml").write_text("password: 1\n", encoding="utf-8")
    root = tmp_path / "in"
    project(root, {"metrics/a/s.yml": "dashpipe: 1\n", "shared/t.yml": "dashpipe: 1\n"})
    (root / "metrics" / "file.yml").symlink_to(tmp_path / "out" / "secret.yml")
    (root / "metrics" / "folder").symlink_to(tmp_path / "out")
    (root / "metrics" / "within").symlink_to(root / "shared")
    read = load(root)
    assert [(one.code, one.file) for one in read.findings] == [
        ("L004", "metrics/file.yml"),
        ("L004", "metrics/folder"),
    ]
    assert "metrics/within/t.yml" in read.by_path
    assert not any("secret" in one.path or "password" in one.text for one in read.files)


def test_folders_in_a_circle_end(tmp_path: Path) -> None:
    """A link to a folder above is followed once at most."""
    project(tmp_path, {"metrics/a/s.yml": "dashpipe: 1\n"})
    (tmp_path / "metrics" / "a" / "up").symlink_to(tmp_path / "metrics")
    assert [one for one, _ in walk(tmp_path, "metrics")].count("metrics/a/s.yml") == 1


def test_a_file_that_may_not_be_read_is_a_finding(tmp_path: Path) -> None:
    """A link to nowhere is said, and hides no other file."""
    project(tmp_path, {"metrics/a/s.yml": "dashpipe: 1\n"})
    (tmp_path / "metrics" / "link.yml").symlink_to(tmp_path / "metrics" / "gone.yml")
    read = load(tmp_path)
    assert [(one.code, one.file) for one in read.findings] == [("L004", "metrics/link.yml")]
    assert "metrics/a/s.yml" in read.by_path


def test_no_folder_of_specs(tmp_path: Path) -> None:
    """A project whose folder of specs is not there has one finding."""
    (tmp_path / "dashpipe.toml").write_text('metrics = "specs"\n', encoding="utf-8")
    (found,) = load(tmp_path).findings
    assert found.message == "there is no folder `specs`"


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    """A file that is not UTF-8 has its finding."""
    project(tmp_path, {})
    (tmp_path / "metrics" / "x.yml").write_bytes(b"owner: \xff\n")
    assert [one.code for one in load(tmp_path).by_path["metrics/x.yml"].findings] == ["Y017"]


def test_a_default_stands_in_the_settings(tmp_path: Path) -> None:
    """What a subject takes from the settings has its place there; what stands nowhere is at the name."""
    read = project(
        tmp_path, {"metrics/a/s.yml": "dashpipe: 1\nsubject: s\nsources: [orders]\nmetrics: [orders]\n"}
    )
    origin = Origin("metrics/a/s.yml", ("timezone",))
    placed = read.placed(origin)
    assert placed == Origin("dashpipe.toml", ("defaults", "timezone"))
    assert read.span(placed) == Span(4, 12, 4, 27)
    assert read.span(Origin("metrics/a/s.yml", ("checks",))) == Span(2, 10, 2, 11)
