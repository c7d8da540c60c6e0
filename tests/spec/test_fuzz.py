"""Whatever a file holds: findings with a place and a help, never an exception."""

from __future__ import annotations

import os
import random
import string
import time

import pytest
import yaml

from dashpipe.spec import shape
from dashpipe.spec.codes import CODES
from dashpipe.spec.diagnostic import Diagnostic
from dashpipe.spec.reader import decode, read
from dashpipe.spec.toml import read_config
from tests.conftest import PROFILE
from tests.spec import corpus

#: Files a part; there are ten parts.
FILES = 30 if PROFILE == "quick" else 2_000
SEED = int(os.environ.get("DASHPIPE_SEED", "0"))

GOOD = corpus.good()
TEXTS = [one.encode() for one in GOOD.values()]
PLAIN = [corpus.plain(text) for text in GOOD.values()]
SIGNS = (
    b"{{ }} { } [ ] * &a *a !x ! : # - ' \" \\ , @daily ` % ~ .inf 1e999 ( ) null ${X} |\n >\n ---\n ...\n"
)
PIECES = [
    *SIGNS.split(b" "),
    *(b": ", b" #", b"- ", b"? ", b"&a ", b"!x ", b"<<: ", b"a, b)", b"type: sum", b"9" * 30, b"%YAML 1.1\n"),
    *(b"\t", b"\n", b"\r", b"\r\n", b" ", b"  ", b"-\n", b"\x00", b"\xff", b"\xed\xa0\x80"),
    *(one.encode() for one in "“é\u200b\u00a0\ufeff\u2028\u0085"),
]


def bytes_of(chance: random.Random) -> bytes:
    """A file: a real spec with random damage, random keys and values, or noise."""
    kind = chance.randrange(10)
    if kind == 0:
        return chance.randbytes(chance.randrange(200))
    if kind == 1:
        return "".join(chance.choices(string.printable + "é“：\u200b", k=chance.randrange(300))).encode()
    if kind == 2:
        return b"".join(chance.choices([*PIECES, b"a", b"metrics", b"name"], k=chance.randrange(60)))
    if kind in (3, 4):
        value = corpus.mutated(corpus.mutated(chance.choice(PLAIN), chance), chance)
        return yaml.dump(
            value, allow_unicode=True, default_flow_style=chance.choice([None, True, False])
        ).encode()
    data = bytearray(chance.choice(TEXTS))
    for _ in range(chance.randint(1, 6)):
        here, there = sorted(chance.choices(range(len(data) + 1), k=2))
        there = min(there, here + 80)
        match chance.randrange(6):
            case 0:
                del data[here:there]
            case 1:
                data[here:here] = data[here:there]
            case 2:
                data[here:there] = chance.randbytes(chance.randrange(4))
            case 3:
                other = chance.choice(TEXTS)
                data[here:there] = other[here : here + chance.randrange(200)]
            case _:
                data[here:here] = chance.choice(PIECES)
    return bytes(data)


def check_findings(findings: tuple[Diagnostic, ...], text: str | None) -> None:
    """Each finding says what, where and what to write."""
    lines = (text or "").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for one in findings:
        assert one.code in CODES
        assert one.message
        assert not one.message.endswith(".")
        assert "\n" not in one.message
        assert one.message[0].islower() or not one.message[0].isalpha()
        assert one.help
        assert "\n" not in one.help
        start, end = (one.span.line, one.span.column), (one.span.end_line, one.span.end_column)
        assert (1, 1) <= start <= end
        if text is not None:
            assert one.span.end_line <= len(lines)
            assert one.span.column <= len(lines[one.span.line - 1]) + 1
            assert one.span.end_column <= len(lines[one.span.end_line - 1]) + 1


@pytest.mark.parametrize("part", range(10))
def test_no_file_breaks_reading(part: int) -> None:
    """Damaged specs, random YAML and noise are read, or refused with findings that are whole, in no time."""
    chance = random.Random(SEED * 10 + part)
    accepted = 0
    for number in range(FILES):
        data = bytes_of(chance)
        begun = time.process_time()
        try:
            text, findings = decode(data, "f.yml")
            check_findings(findings, None)
            if text is not None:
                node, findings = read(text, "f.yml")
                check_findings(findings, text)
                assert node is not None or findings
                if node is not None:
                    shaped = shape.check(node, "f.yml")
                    check_findings(shaped, text)
                    accepted += not findings and not shaped
        except Exception as error:
            raise AssertionError(f"part {part}, file {number}: {data!r}") from error
        assert time.process_time() - begun < 1, data
    assert accepted < FILES / 2


@pytest.mark.parametrize("text", ["[?a'g", "[? a", "a: [?b"])
def test_a_finding_ends_within_the_file(text: str) -> None:
    """What is not closed where a file ends has no place beyond it."""
    _, findings = read(text, "f.yml")
    assert findings
    check_findings(findings, text)


@pytest.mark.parametrize("part", range(2))
def test_no_settings_break_reading(part: int) -> None:
    """Damaged settings give findings and defaults, never an exception."""
    chance = random.Random(SEED * 10 + part)
    sound = (corpus.ROOT / "tests/lint/base/dashpipe.toml").read_text(
        "utf-8"
    ) + '\n[airflow]\nretry_delay = "5m"\nretries = 2\n'
    pieces = [
        "[",
        "]",
        "=",
        '"',
        "'",
        "\n",
        "{}",
        "[a]",
        "1",
        "true",
        "2024-01-01",
        "nan",
        "[[x]]",
        "airflow.",
        "#",
        '"""',
        "é",
        ",",
    ]
    for _ in range(FILES):
        text = sound
        for _ in range(chance.randint(1, 5)):
            here, there = sorted(chance.choices(range(len(text) + 1), k=2))
            there = min(there, here + 30)
            text = (
                text[:here]
                + chance.choice([*pieces, "", text[here:there] * 2])
                + text[chance.choice([here, there]) :]
            )
        _, findings = read_config(text, "dashpipe.toml")
        check_findings(findings, text)
