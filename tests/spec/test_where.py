"""Offsets in a scalar's text against places in the file, for each style of writing it."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dashpipe.spec.where import positions

DOCUMENTS = [
    "a: duration / 60\n",
    "a: 'it''s  ok'\n",
    'a: "x\\u00e9 \\"q\\" \\\n   cont"\n',
    "a: |\n  foo\n    bar\n\n  baz x\n",
    "a: >-\n  status = 'x'\n  and foo\n\n  or   bar\n",
    "a: foo\n  bar\n  baz   qux\n",
    'a: "foo\n  bar\n\n  b"\n',
    "a: 'foo\n\n\n  bar'\n",
    "a: >\n  x\n    y\n  z\n",
    "a: |2\n    x\n  y\n",
    "a: >-  # a comment\n\n  x\n  y\n",
    'a: "\\\\ \\t x \\n y"\n',
    "a: |\r\n  x\r\n  y\r\n",
    "a: 课程 = '数'\n",
]


def place(text: str) -> tuple[str, list[int]]:
    """The value of the only key, and the place of each of its code points."""
    node = yaml.compose(text, yaml.CSafeLoader).value[0][1]
    return node.value, positions(text, node.start_mark.index, node.style or "", node.value)


@pytest.mark.parametrize("text", DOCUMENTS)
def test_each_visible_character_is_found_where_it_stands(text: str) -> None:
    """Every character that is no blank is at its place, or at the backslash that writes it."""
    value, found = place(text)
    assert len(found) == len(value) + 1
    assert found == sorted(found)
    for one, at in zip(value, found, strict=False):
        if not one.isspace():
            assert text[at] in (one, "\\"), (one, text[at:])


@given(st.text(alphabet="ab '\"\\\n\té课", max_size=40), st.sampled_from(["'", '"', "|", ">", None]))
def test_any_text_written_by_a_yaml_writer(value: str, style: str | None) -> None:
    """What a YAML writer folds, quotes or indents is found again."""
    text = yaml.dump({"a": value}, default_style=style, width=12, allow_unicode=True)
    node = yaml.compose(text, yaml.CSafeLoader).value[0][1]
    found = positions(text, node.start_mark.index, node.style or "", node.value)
    for one, at in zip(node.value, found, strict=False):
        if not one.isspace():
            assert text[at] in (one, "\\")
