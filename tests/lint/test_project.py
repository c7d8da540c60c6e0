"""A whole project of many mistakes in one run; rules that break; comments; what lint passes compiles."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashpipe.compile import compile_subject
from dashpipe.lint import broke, engine, lint, refused
from dashpipe.lint.render import renderer
from dashpipe.lint.rule import Problem
from dashpipe.lint.rules import checks
from dashpipe.lint.view import View
from dashpipe.spec.model import Subject
from dashpipe.spec.project import Project, load
from tests.lint import cases
from tests.lint.test_wrong import TODAY, found_in

GOLDEN = Path(__file__).parent / "golden"


def read(folder: Path, **changed: str) -> Project:
    """The sound project with some files changed: by name without folder and ending."""
    files = cases.base_files()
    names = {Path(one).stem: one for one in files if one.endswith(".yml")}
    for name, text in changed.items():
        files[names.get(name, f"metrics/shop/{name}.yml")] = text
    cases.write(files, folder)
    return load(folder)


def test_all_findings_of_all_files_in_one_run() -> None:
    """A project with mistakes in every file gives all of them at once, in order, each once.

    The golden text is what a person sees. A model's mistake is told there, not again at its users.
    """
    project = load(GOLDEN / "project")
    findings = lint(project, TODAY)
    texts = {one.path: one.text for one in project.files}
    shown = renderer("full")(findings, texts, False)
    assert shown == (GOLDEN / "findings.txt").read_text(encoding="utf-8")
    assert findings == sorted(findings, key=lambda one: one.sort_key)
    assert len(set(findings)) == len(findings)


def test_the_same_findings_each_time() -> None:
    """Two readings of one project say the same."""
    assert lint(load(GOLDEN / "project"), TODAY) == lint(load(GOLDEN / "project"), TODAY)


def test_refused_tells_which_subjects_have_errors() -> None:
    """Each subject with an error in its own file or in what it takes is refused; the sound one is not."""
    project = load(GOLDEN / "project")
    wrong = refused(project.resolved().every, lint(project, TODAY))
    assert set(wrong) == {"shop_dash_daily_v1", "shop_dash_hourly_v1", "shop_dash_people_v1"}
    assert [one.id for one in project.resolved().every if one.id not in wrong] == ["shop_dash_sound_v1"]


def test_a_rule_that_breaks_hides_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule's own failure is a finding, the others still speak, and lint says that it broke."""

    def fail(subject: Subject, _view: View) -> Iterator[Problem]:
        raise ZeroDivisionError(subject.name)

    rules = [one._replace(subject=fail) if one.code == "T004" else one for one in checks()]
    monkeypatch.setattr(engine, "checks", lambda: rules)
    cases.write(
        cases.base_files() | {"metrics/shop/bad.yml": "dashpipe: 1\nsubject: bad\nstart: no\n"}, tmp_path
    )
    findings = lint(load(tmp_path), TODAY)
    assert broke(findings)
    own = [one for one in findings if one.code == "L005"]
    assert {one.file for one in own} == {f"metrics/shop/{name}.yml" for name in ("bad", "daily", "other")}
    assert own[1].message == "the check T004 broke here: ZeroDivisionError: daily"
    assert "T001" in {one.code for one in findings}


def test_a_default_is_wrong_where_it_stands(tmp_path: Path) -> None:
    """A mistake in the settings' defaults is told once, in dashpipe.toml, not at each subject."""
    files = cases.base_files()
    files["dashpipe.toml"] = files["dashpipe.toml"].replace("Europe/Berlin", "Europe/Berlim")
    (found,) = found_in(files, tmp_path)
    assert (found.code, found.file, found.span.line) == ("T003", "dashpipe.toml", 6)


def test_settings_that_cannot_be_read_are_the_only_finding(tmp_path: Path) -> None:
    """What every subject would lack without its settings is not told of each."""
    files = cases.base_files()
    files["dashpipe.toml"] = files["dashpipe.toml"].replace("[defaults]", "[defaults")
    assert [(one.code, one.file) for one in found_in(files, tmp_path)] == [("Y001", "dashpipe.toml")]


def test_a_model_that_cannot_be_read_is_the_only_finding(tmp_path: Path) -> None:
    """Its users' types are unknown for now, and so is whether a comment is needed."""
    files = cases.base_files()
    files["metrics/shop/models/orders.yml"] += "\tbroken: ["
    text = files[cases.SUBJECT]
    metric = "metrics:\n  # dashpipe: ignore[C001] few documents\n"
    metric += "  - {name: who, source: orders, type: count_distinct, expr: customer_id}\n"
    files[cases.SUBJECT] = cases.edited(text, metric)
    assert [one.code for one in found_in(files, tmp_path)] == ["Y004"]


def test_fields_that_cannot_be_read_hide_no_type(tmp_path: Path) -> None:
    """A wrong `fields:` is told once, not again at each value whose type it would say."""
    files = cases.base_files()
    name = "metrics/shop/models/orders.yml"
    files[name] = cases.edited(files[name], "fields: [country]\n")
    assert [one.code for one in found_in(files, tmp_path)] == ["S103"]


def test_a_comment_silences_a_warning(tmp_path: Path) -> None:
    """A warning is ignored with its reason, on its line or from the line above; an error is not."""
    files = cases.base_files()
    text = files[cases.SUBJECT]
    edit = 'schedule: "0 6 1 * 1"  # dashpipe: ignore[T006] first of the month and mondays\n'
    files[cases.SUBJECT] = cases.edited(text, edit)
    assert found_in(files, tmp_path / "a") == []
    files[cases.SUBJECT] = cases.edited(text, "metrics: [revenu]  # dashpipe: ignore[N002] later\n")
    assert [one.code for one in found_in(files, tmp_path / "b")] == ["N002", "L003"]


def test_a_hash_in_a_value_is_no_comment(tmp_path: Path) -> None:
    """What looks like a comment in a text of several lines is text."""
    files = cases.base_files()
    edit = "description: |\n  Rows.\n  # dashpipe: ignore[C999] nothing\n"
    files[cases.SUBJECT] = cases.edited(files[cases.SUBJECT], edit)
    assert found_in(files, tmp_path) == []


def test_what_lint_passes_compiles(tmp_path: Path) -> None:
    """Subjects of wrong projects that are not refused compile: no one meets the compiler's own errors."""
    compiled = 0
    for number, path in enumerate(sorted((cases.HERE / "wrong").glob("*.yml"))):
        for case in cases.load(path):
            folder = tmp_path / f"{number}-{case.id}"
            cases.write(case.files, folder)
            project = load(folder)
            compiled += compile_sound(project)
    assert compiled > 100


def compile_sound(project: Project) -> int:
    """Compile the subjects that are fit for it; returns how many."""
    findings = lint(project, TODAY)
    assert not broke(findings), [one.message for one in findings if one.code == "L005"]
    wrong = refused(project.resolved().every, findings)
    sound = [one for one in project.resolved().subjects if one.id not in wrong]
    for one in sound:
        compile_subject(one)
    return len(sound)


#: What mutations put into a spec, beside its own pieces.
PIECES = [
    *(
        "orders",
        "revenue",
        "basket",
        "visits",
        "country",
        "total",
        "total > 5",
        "country = 'DE'",
        "null",
        "[]",
        "{}",
    ),
    *(
        "0",
        "-1",
        "1.5",
        "true",
        "day",
        "hour",
        "count",
        "sum",
        "ratio",
        "derived",
        "max",
        '""',
        "'",
        "«",
        "\t",
        "#",
        ":",
    ),
    *(
        "SELECT 1",
        "a.b.c",
        "orders.revenue",
        "((((",
        "CASE",
        "x" * 60,
        "&a",
        "*a",
        "|\n  x",
        "- ",
        "{metric: orders.revenue, as: r}",
    ),
]


def mutated(text: str, random_: random.Random) -> str:
    """A spec with a few small changes: a word for another, a line gone or doubled, a character more."""
    for _ in range(random_.randint(1, 4)):
        lines = text.splitlines(keepends=True)
        at = random_.randrange(len(lines)) if lines else 0
        match random_.randrange(5):
            case 0 if lines:
                lines[at] = lines[at][: random_.randint(0, len(lines[at]))] + random_.choice(PIECES) + "\n"
            case 1 if lines:
                del lines[at]
            case 2 if lines:
                lines.insert(random_.randrange(len(lines)), lines[at])
            case 3 if lines:
                words = lines[at].split(" ")
                words[random_.randrange(len(words))] = random_.choice(PIECES)
                lines[at] = " ".join(words)
            case _:
                place = random_.randint(0, len(text))
                lines = [text[:place], random_.choice("'\"{}[]:,-#&*!|>%@`\\\n\x00é"), text[place:]]
        text = "".join(lines)
    return text


@settings(max_examples=4 * settings().max_examples)
@given(random_=st.randoms())
def test_no_mutation_breaks_lint(random_: random.Random) -> None:
    """Whatever is broken in a project, lint says what is wrong, and what it passes compiles."""
    files = cases.base_files()
    for name in sorted(files):
        if name.endswith(".yml") and random_.random() < 0.6:
            files[name] = mutated(files[name], random_)
    with TemporaryDirectory() as folder:
        cases.write(files, Path(folder))
        project = load(Path(folder))
        compile_sound(project)
        renderer("full")(lint(project, TODAY), {one.path: one.text for one in project.files}, False)
