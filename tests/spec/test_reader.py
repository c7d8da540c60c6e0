"""Reading YAML: what values mean, where they stand, and what is refused."""

from __future__ import annotations

import time
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dashpipe.spec.diagnostic import Span
from dashpipe.spec.node import Map, Node, Scalar, Seq, at, nothing, plain
from dashpipe.spec.reader import LARGEST, decode, read
from dashpipe.spec.tree import DEEPEST, ENOUGH, MOST
from tests.spec import corpus

#: Text without quotes that stays text.
TEXTS = [
    "no",
    "yes",
    "on",
    "off",
    "y",
    "NO",
    "9:30",
    "10:00",
    "007",
    "0777",
    "08",
    "1_000",
    "2024-01-01",
    "2024-01-01T00:00:00Z",
    "1.2.3",
    "0b1",
    "+",
    ".",
    "1e",
    "0x",
    "0o8",
    "-0x1",
    "00.5",
    "tRue",
    "None",
    "--1",
    "1,000",
    "5m",
]

TYPES: list[tuple[str, Any]] = [
    *((one, one) for one in TEXTS),
    *((one, True) for one in ("true", "True", "TRUE")),
    *((one, False) for one in ("false", "False", "FALSE")),
    *((one, None) for one in ("null", "Null", "NULL", "~")),
    *((f"'{one}'", one) for one in ("null", "true", "7", "~", "")),
    *((f'"{one}"', one) for one in ("null", "true", "7", "~", "")),
    *((str(one), one) for one in (0, 7, -7, 2**63 - 1, -(2**63))),
    *(("+7", 7), ("0x1F", 31), ("0o17", 15), ("-0", 0)),
    *(("1.5", 1.5), ("-.5", -0.5), ("1.", 1.0), ("1e3", 1000.0), ("1.5E-3", 0.0015), ("0.1", 0.1)),
]


@pytest.mark.parametrize(("text", "value"), TYPES, ids=[one[0] for one in TYPES])
def test_scalars_are_yaml_12_core(text: str, value: Any) -> None:
    """A scalar means what YAML 1.2 core says, with numbers as JSON writes them; all else is text."""
    node = read(f"a: {text}\n", "f").node
    assert node is not None
    found = plain(node)["a"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "key", ["on", "no", "off", "yes", "y", "9:30", "007", "2024-01-01", "'7'", '"null"', "a-"]
)
def test_keys_are_text(key: str) -> None:
    """A key that YAML 1.1 would read as a boolean, a time or a date is text."""
    node, findings = read(f"{key}: 1\n", "f")
    assert not findings
    assert node is not None
    assert plain(node) == {key.strip("'\""): 1}


@pytest.mark.parametrize(
    "key", ["7", "1.5", "true", "~", "null", "? [a]\n", "? {a: b}\n", "{a: b}", "[a]", ""]
)
def test_other_keys_are_refused(key: str) -> None:
    """A key that is no text is refused with one finding, and the other keys are read."""
    node, findings = read(f"{key}: 1\nb: 2\n" if key else "?\n: 1\nb: 2\n", "f")
    assert [one.code for one in findings] == ["Y012"]
    assert node is not None
    assert plain(node) == {"b": 2}


def test_both_places_of_a_key_that_stands_twice() -> None:
    """The second place has the finding and the first is related to it; the first value holds."""
    node, findings = read("a: 1\nb: 2\n'a': 3\na: 4\n", "f")
    assert node is not None
    assert plain(node) == {"a": 1, "b": 2}
    assert [(one.code, one.span, one.related[0].span) for one in findings] == [
        ("Y009", Span(3, 1, 3, 4), Span(1, 1, 1, 2)),
        ("Y009", Span(4, 1, 4, 2), Span(1, 1, 1, 2)),
    ]


def test_findings_of_a_dropped_value_are_dropped() -> None:
    """What is wrong inside a value that is refused as a whole is not said as well."""
    assert [one.code for one in read("a: 1\na: {b: !x 1, b: 2}\n", "f").findings] == ["Y009"]
    assert [one.code for one in read("<<: {b: !x 1}\n", "f").findings] == ["Y011"]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("a: &x 1\nb: *x\nc: *x\n", ["Y011"]),
        ("a: *x\nb: *x\n", ["Y011", "Y011"]),
        ("a: &x [*x]\n", ["Y011"]),
        ("a: &x !t 1\n", ["Y011"]),
        ("a: !t &x 1\n", ["Y011"]),
        ("&k a: 1\n", ["Y011"]),
        ("a: !!python/object/apply:os.system [id]\n", ["Y010"]),
        ("%TAG ! tag:x,2000:\n---\na: 1\n", ["Y010"]),
    ],
)
def test_tags_anchors_and_aliases_are_refused(text: str, codes: list[str]) -> None:
    """Nothing but plain values is read; an anchor with its aliases is one mistake."""
    assert [one.code for one in read(text, "f").findings] == codes


BOMBS = {
    "aliases": "".join(f"k{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9) if n else 'x'}]\n" for n in range(40)),
    "nested lists": "a: " + "[" * 400_000,
    "nested mappings": "a: " + "{a: " * 200_000,
    "nested blocks": "".join(" " * n + "a:\n" for n in range(900)),
    "many values": "a:\n" + "- 1\n" * 200_000,
    "many empty entries": "a:\n" + "-\n" * 200_000,
    "many tags": "".join(f"a{n}: !t x\n" for n in range(50_000)),
    "many block texts": "a:\n" + "- |\n  x\n" * 100_000,
    "one long text": "a: " + "x " * 490_000,
    "one long number": "a: " + "9" * 900_000,
    "one long quoted text": 'a: "' + "\\n" * 490_000 + '"',
    "an open quote": 'a: "' + "x\n" * 490_000,
    "colons": "a: " + "b: " * 300_000,
    "dashes": "- " * 450_000,
    "question marks": "? " * 450_000,
    "one key many times": "a: 1\n" * 190_000,
    "comments": "#\n" * 490_000,
    "template": "a: " + "{{" * 400_000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_take_no_time(name: str) -> None:
    """A file that is made to blow up is refused, or read, within a moment."""
    text = BOMBS[name]
    assert len(text) <= LARGEST
    begun = time.process_time()
    node, findings = read(text, "f")
    assert time.process_time() - begun < 3
    assert len(findings) <= ENOUGH
    if not findings:
        assert node is not None
        plain(node)


def test_limits() -> None:
    """At each limit a file is read, one beyond it is refused."""
    assert not read("a: " + "[" * (DEEPEST - 1) + "]" * (DEEPEST - 1), "f").findings
    assert [one.code for one in read("a: " + "[" * DEEPEST + "]" * DEEPEST, "f").findings] == ["Y018"]
    assert not read("a:\n" + "- 1\n" * (MOST - 3), "f").findings
    assert [one.code for one in read("a:\n" + "- 1\n" * (MOST - 2), "f").findings] == ["Y018"]
    assert not read("a: " + "x" * (LARGEST - 3), "f").findings
    assert [one.code for one in read("a: " + "x" * (LARGEST - 2), "f").findings] == ["Y018"]
    assert [one.code for one in decode(b"x" * (LARGEST + 1), "f")[1]] == ["Y018"]


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"a: \xff\n", Span(1, 4, 1, 5)),
        ("é: 1\nü".encode() + b"\xe9: 2\n", Span(2, 2, 2, 3)),
        ("a: 1\n".encode("utf-16"), Span(1, 1, 1, 2)),
        (b"\xef\xbb\xbfa: \xc3", Span(1, 4, 1, 5)),
    ],
)
def test_bytes_that_are_not_utf8(data: bytes, place: Span) -> None:
    """A file that is not UTF-8 has one finding at the first wrong byte."""
    text, findings = decode(data, "f")
    assert text is None
    assert [(one.code, one.span) for one in findings] == [("Y017", place)]


def test_byte_order_mark_and_line_ends_are_fine() -> None:
    """A mark at the start and Windows line ends change neither values nor places."""
    text, findings = decode(b"\xef\xbb\xbfa: 1\r\nb:\r\n  - x\r\n  - |\r\n    two\r\n", "f")
    assert text is not None
    assert not findings
    node, findings = read(text, "f")
    assert not findings
    assert node is not None
    assert plain(node) == {"a": 1, "b": ["x", "two\n"]}
    assert at(node, ("b", 0)) == Span(3, 5, 3, 6)


@pytest.mark.parametrize(
    "one", ["\0", "\x07", "\x1b", "\x7f", "\x85", "\u2028", "\u200b", "\u202e", "\ufeff", "\ud800", "\ufffe"]
)
def test_characters_that_no_spec_may_hold(one: str) -> None:
    """A control or invisible character is found at its place, counted in code points."""
    found = read(f"a: 1\nb: 'é😀{one}'\n", "f").findings
    assert [(each.code, each.span) for each in found] == [("Y017", Span(2, 7, 2, 8))]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("m:\n  -name: x\n   type: y\n", ["Y007"]),
        ("-a: 1\nb: 2\n", ["Y007"]),
        ("“a”: 1\nb: 2\n", ["Y016"]),
        ("1e999: 1\nb: 2\n", ["Y019"]),
        ("m: {a:1, b}\n", ["Y007", "Y015"]),
        ("m: {a, b: 1}\n", ["Y015"]),
        ("m: {{ a }}\nb: {{ c }} d\n", ["Y002", "Y002"]),
        ("m: {e: f(a, b, c), g: h(i, j)}\n", ["Y002", "Y002"]),
        ("m: {e: a IN ('x', 'y')}\n", ["Y002"]),
    ],
)
def test_one_mistake_one_finding(text: str, codes: list[str]) -> None:
    """What follows from a mistake is not said as well."""
    assert [one.code for one in read(text, "f").findings] == codes


def test_letters_of_all_languages_are_fine() -> None:
    """Texts in any script are read, with the joiners that some need."""
    text = "a: 'یک\u200cروز 订单 naïve 👩\u200d💻 \u00a0x'\n"
    assert not read(text, "f").findings


def lines_of(text: str) -> list[str]:
    """The lines of a text, without their ends."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def slice_of(text: str, span: Span) -> str:
    """What stands at a span."""
    lines = lines_of(text)
    if span.line == span.end_line:
        return lines[span.line - 1][span.column - 1 : span.end_column - 1]
    middle = lines[span.line : span.end_line - 1]
    return "\n".join(
        [lines[span.line - 1][span.column - 1 :], *middle, lines[span.end_line - 1][: span.end_column - 1]]
    )


def check_places(text: str, node: Node, whole: bool) -> None:
    """Each value's place holds the value's own text, and the places of what is in it.

    ``whole``: reading refused nothing, so that a block ends with the last value that is in the tree.
    """
    written = slice_of(text, node.span)
    if isinstance(node, Scalar):
        check_scalar(text, node, written)
        return
    inner: list[Node] = list(node.items) if isinstance(node, Seq) else []
    if isinstance(node, Map):
        inner = [each for one in node.entries for each in (one.key, one.value)]
    for one in inner:
        assert (node.span.line, node.span.column) <= (one.span.line, one.span.column)
        assert (one.span.end_line, one.span.end_column) <= (node.span.end_line, node.span.end_column)
        check_places(text, one, whole)
    if written[:1] in ("[", "{"):
        assert written[-1] == {"[": "]", "{": "}"}[written[0]]
    elif inner:
        assert written.startswith("-" if isinstance(node, Seq) else slice_of(text, inner[0].span))
        if whole:
            last = inner[-1].span
            assert (node.span.end_line, node.span.end_column) == (last.end_line, last.end_column)


def check_scalar(text: str, node: Scalar, written: str) -> None:
    """A scalar's place holds its value, as it is written."""
    if nothing(node):
        return
    assert lines_of(text[node.start :])[0].startswith(written.split("\n", maxsplit=1)[0])
    if node.style in ("|", ">"):
        assert written[0] == node.style
        assert written == written.rstrip()
        assert node.text.split() == [one for line in written.split("\n")[1:] for one in line.split()]
    elif "\n" in written:
        assert yaml.load(written, yaml.CBaseLoader) == node.text
    else:
        assert yaml.load(f"- {written}", yaml.CBaseLoader) == [node.text]


def test_places_hold_their_values() -> None:
    """Read again from the text, each place of each spec, good or wrong, holds just its own value."""
    texts = {*corpus.good().values(), *corpus.wrong().values()}
    found = {text: read(text, "f") for text in texts}
    assert sum(one.node is not None for one in found.values()) > 250
    for text, one in found.items():
        if one.node is not None:
            check_places(text, one.node, not one.findings)


texts = st.text(st.characters(blacklist_categories=["C", "Z"], whitelist_characters=" "), max_size=12)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(-1e6, 1e6)
    | texts
    | st.just("two\nlines\n"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts.filter(bool), inner, max_size=4),
    max_leaves=15,
)


@given(
    value=values, flow=st.sampled_from([None, True, False]), style=st.sampled_from([None, "'", '"', "|", ">"])
)
def test_places_are_those_of_the_other_parser(value: Any, flow: bool | None, style: str | None) -> None:
    """On random YAML, values begin where PyYAML's own parser, which is other code, says that they do."""
    text = yaml.dump(value, allow_unicode=True, default_flow_style=flow, default_style=style, width=60)
    node, findings = read(text, "f")
    if findings or "!!" in text:
        return  # a tag, a key that is no text, a curly quote: refused on purpose
    assert node is not None
    other = yaml.compose(text, yaml.SafeLoader)
    if other is not None:
        compare(node, other)


def compare(node: Node, other: Any) -> None:
    """Two parsers' trees of one text have the same values at the same places."""
    mark, span = other.start_mark, node.span
    assert (span.line, span.column) == (mark.line + 1, mark.column + 1)
    if isinstance(node, Scalar):
        assert node.text == other.value
        assert node.start == mark.index
        if node.style not in ("|", ">"):
            assert (span.end_line, span.end_column) == (other.end_mark.line + 1, other.end_mark.column + 1)
        return
    inner = [one for pair in other.value for one in pair] if isinstance(node, Map) else other.value
    mine = (
        [each for one in node.entries for each in (one.key, one.value)]
        if isinstance(node, Map)
        else list(node.items)
    )
    assert len(inner) == len(mine)
    for one, its in zip(mine, inner, strict=True):
        compare(one, its)
