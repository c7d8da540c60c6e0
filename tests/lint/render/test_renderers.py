"""Every renderer, letter by letter: what is printed is what people and programs rely on."""

from __future__ import annotations

import json

import pytest

from dashpipe.lint.render import FORMATS, renderer
from dashpipe.lint.render.github import step_summary
from dashpipe.spec.diagnostic import Diagnostic, Edit, Fix, Related, Severity, Span

TEXT = """\
dashpipe: 1
subject: daily
metrics:
  - {name: revenue, type: sum, expr: status}
  - name: 课程数
    type: sum
    expr: >-
      课程
      + 1
"""

SUM = Diagnostic(
    code="M010",
    name="sum-of-no-number",
    severity=Severity.ERROR,
    message="`status` is text: there is no sum of it",
    file="metrics/daily.yml",
    span=Span(4, 38, 4, 44),
    path=("metrics", 0, "expr"),
    related=(
        Related("metrics/daily.yml", Span(4, 27, 4, 30), "asks for numbers"),
        Related("metrics/orders.yml", Span(9, 3, 9, 17), "declared here"),
    ),
    help="write a field that holds numbers",
    fix=Fix("write total", (Edit(Span(4, 38, 4, 44), "total"),)),
)
WIDE = Diagnostic(
    code="E001",
    name="expression",
    severity=Severity.WARNING,
    message="two\nlines: 100 %",
    file="metrics/daily.yml",
    span=Span(8, 7, 9, 10),
)


def show(format: str, *findings: Diagnostic, color: bool = False) -> str:
    """The findings in a format, over the text above."""
    return renderer(format)(findings, {"metrics/daily.yml": TEXT}, color)


def test_full_frames_the_line_with_a_caret_and_every_related_place() -> None:
    """The full format shows the mistake, what else it speaks of, the cure and the fix."""
    assert show("full", SUM) == (
        "error[M010] sum-of-no-number: `status` is text: there is no sum of it\n"
        " --> metrics/daily.yml:4:38\n"
        "  |\n"
        "4 |   - {name: revenue, type: sum, expr: status}\n"
        "  |                                      ^^^^^^\n"
        "  |                           --- asks for numbers\n"
        " ::: metrics/orders.yml:9:3 declared here\n"
        "  = help: write a field that holds numbers\n"
        "  = fix: write total (with --fix)\n"
        "\n"
        "1 error; `dashpipe lint --fix` repairs 1\n"
    )


def test_full_underlines_wide_characters_by_their_width() -> None:
    """Under Chinese text the caret line is as wide as the text looks, on each line of the span."""
    one = Diagnostic("E001", "x", Severity.ERROR, "m", "metrics/daily.yml", Span(5, 11, 5, 14))
    assert "5 |   - name: 课程数\n  |           ^^^^^^\n" in show("full", one)
    shown = show("full", WIDE)
    assert "8 |       课程\n  |       ^^^^\n9 |       + 1\n  |       ^^^\n" in shown


def test_full_colours_only_when_asked() -> None:
    """Without colour there is no escape character."""
    assert "\x1b" not in show("full", SUM, WIDE)
    assert "\x1b[31m" in show("full", SUM, color=True)


def test_full_shows_no_control_characters_of_a_spec() -> None:
    """A terminal never obeys what stands in a spec."""
    one = Diagnostic("E001", "x", Severity.ERROR, "a\x1b[2Jb", "f.yml", Span(1, 1, 1, 2))
    text = renderer("full")([one], {"f.yml": "a: \x1b]0;evil\x07\n"}, False)
    assert "\x1b" not in text
    assert "\x07" not in text


def test_full_cuts_long_lines_around_the_mistake() -> None:
    """A line of thousands of characters is shown in part, with the caret at the right place in it."""
    line = "x" * 3000 + "bad" + "y" * 3000
    one = Diagnostic("E001", "x", Severity.ERROR, "m", "f.yml", Span(1, 3001, 1, 3004))
    code, under = renderer("full")([one], {"f.yml": line}, False).split("\n")[3:5]
    assert len(code) < 200
    assert code[under.index("^") : under.index("^") + 3] == "bad"


def test_full_points_behind_the_end_of_a_line() -> None:
    """A span after the last character still has its caret."""
    one = Diagnostic("Y001", "x", Severity.ERROR, "m", "f.yml", Span(1, 4, 1, 4))
    assert "1 | ab:\n  |    ^\n" in renderer("full")([one], {"f.yml": "ab:\n"}, False)


def test_concise_is_one_line_a_finding() -> None:
    """Line ends inside of a message do not break the line."""
    assert show("concise", SUM, WIDE) == (
        "metrics/daily.yml:4:38: error M010 sum-of-no-number: `status` is text: there is no sum of it; "
        "write a field that holds numbers\n"
        "metrics/daily.yml:8:7: warning E001 expression: two lines: 100 %\n"
    )


def test_json_is_one_versioned_document() -> None:
    """The document has the version, the counts, and every part of each finding."""
    document = json.loads(show("json", SUM, WIDE))
    assert document["version"] == 1
    assert document["summary"] == {"errors": 1, "warnings": 1, "fixable": 1}
    first = document["findings"][0]
    assert first == {
        "code": "M010",
        "name": "sum-of-no-number",
        "severity": "error",
        "message": "`status` is text: there is no sum of it",
        "help": "write a field that holds numbers",
        "file": "metrics/daily.yml",
        "line": 4,
        "column": 38,
        "end_line": 4,
        "end_column": 44,
        "path": ["metrics", 0, "expr"],
        "related": [
            {
                "file": "metrics/daily.yml",
                "line": 4,
                "column": 27,
                "end_line": 4,
                "end_column": 30,
                "message": "asks for numbers",
            },
            {
                "file": "metrics/orders.yml",
                "line": 9,
                "column": 3,
                "end_line": 9,
                "end_column": 17,
                "message": "declared here",
            },
        ],
        "fix": {
            "message": "write total",
            "edits": [{"line": 4, "column": 38, "end_line": 4, "end_column": 44, "text": "total"}],
        },
    }
    assert document["findings"][1]["fix"] is None


def test_github_escapes_and_drops_columns_of_several_lines() -> None:
    """GitHub refuses columns on several lines; place and code stand in the message too, for plain logs."""
    assert show("github", SUM, WIDE) == (
        "::error title=dashpipe M010 sum-of-no-number,file=metrics/daily.yml,"
        "line=4,endLine=4,col=38,endColumn=44"
        "::metrics/daily.yml:4:38: M010 `status` is text: there is no sum of it"
        "%0Awrite a field that holds numbers\n"
        "::warning title=dashpipe E001 expression,file=metrics/daily.yml,line=8,endLine=9"
        "::metrics/daily.yml:8:7: E001 two%0Alines: 100 %25\n"
    )


def test_github_summary_lists_all_and_stays_under_its_limit() -> None:
    """The step's summary has the whole list; where GitHub would refuse it, it says how many are left."""
    text = step_summary([SUM, WIDE])
    assert text.startswith("### dashpipe lint: 1 error and 1 warning")
    assert text.count("\n- ") == 2
    long = step_summary([SUM] * 20_000)
    assert len(long.encode()) < 1_000_000
    assert long.rstrip().endswith("more")


def test_no_findings_are_said_by_people_formats_only() -> None:
    """An empty list is an empty output where each line is a finding."""
    assert show("full") == "no findings\n"
    assert show("concise") == show("github") == ""
    assert json.loads(show("json"))["findings"] == []


def test_unknown_format_is_an_error() -> None:
    """Only the listed formats exist."""
    assert FORMATS == ("full", "concise", "json", "github")
    with pytest.raises(KeyError):
        renderer("sarif")
