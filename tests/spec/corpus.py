"""Spec texts, good and wrong, that several tests read; and ways to make wrong ones from good ones."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from dashpipe.spec import shape
from dashpipe.spec.node import Node
from dashpipe.spec.reader import read
from tests.lint import cases

ROOT = Path(__file__).parents[2]

#: What a key is given instead of its value. No whole number stands with a point: JSON Schema has 1.0 for 1.
VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 2, 7, 730, 0.5, -0.25, 1.5, 10**12),
    *("", "null", "none", "day", "daily", "month", "monday", "mon", "sum", "count", "ratio", "derived"),
    *(
        "percentile",
        "top",
        "first",
        "stddev",
        "continuous",
        "row_count",
        "freshness",
        "error",
        "nullify",
        "fail",
        "orders",
        "Orders",
        "select",
        "grain",
    ),
    *(
        "_x",
        "a" * 49,
        "a.b",
        "$a",
        "a..b",
        "system.x",
        "5m",
        "0s",
        "90 s",
        "1w",
        "date",
        "integer",
        "secondary",
    ),
    *("stub", "[]", "é", "订单", "a\n", "a b", "7", "7x"),
    *([], [None], ["day"], ["day", "day"], [1], [["a"]], {}),
    *(
        {"env": "SHOP_X"},
        {"env": "SHOP_X", "default": "x"},
        {"env": 7},
        {"default": "x"},
        {"env": "X", "x": 1},
    ),
    *({"after": ["a_b_c"]}, {"after": []}, {"dense": 3, "sparse": [7]}, {"below": 1}, {"hours": 2.5}),
    *(
        {"above": 0},
        {"name": "a"},
        {"name": "a", "type": "count"},
        {"metric": "a"},
        {"metric": "a.b", "as": "c"},
    ),
    *({"type": "number"}, {"field": "a", "as": "date"}),
]


def good() -> dict[str, str]:
    """Sound spec files: the examples of the project and of its docs, and the base of the wrong cases."""
    examples = sorted((ROOT / "metrics").rglob("*.yml"))
    found = {str(one.relative_to(ROOT)): one.read_text("utf-8") for one in examples}
    found |= {f"base/{name}": text for name, text in cases.base_files().items() if name.endswith(".yml")}
    guide = (ROOT / "docs" / "analyst.md").read_text("utf-8")
    for number, text in enumerate(re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL)):
        if "# finding:" not in text:
            found[f"docs/analyst.md:{number}"] = text
    return found


def wrong() -> dict[str, str]:
    """Every YAML file of every hand-made wrong project."""
    found = {}
    for path in sorted((cases.HERE / "wrong").glob("*.yml")):
        for case in cases.load(path):
            found |= {f"{case.id}:{name}": text for name, text in case.files.items() if name.endswith(".yml")}
    return found


def tree(text: str) -> Node | None:
    """The tree of a text in which reading finds no fault, else ``None``."""
    node, findings = read(text, "f.yml")
    return None if findings else node


def plain(text: str) -> Any:
    """The values of a good spec, by the other reader."""
    return yaml.load(re.sub(r"(?<=[ \[])(\d{4}-\d\d-\d\d)\b", r'"\1"', text), yaml.CSafeLoader)


ROWS = shape.keys()
KEYS = sorted({part.removesuffix("[]") for row in ROWS for part in row.path.split(".")} - {"*"})
KEYS += ["incremental", "snapshot", "p", "cron", "filter", "Owner", "", "$a", "x.y"]


def mutated(value: Any, chance: random.Random) -> Any:
    """A deep copy of a value, with one to three random changes."""
    for _ in range(chance.randint(1, 3)):
        value = _mutated(value, chance)
    return value


def _mutated(value: Any, chance: random.Random) -> Any:
    holders = list(_holders(value))
    holder = chance.choice(holders)
    copy = _copied(value, holder)
    # The holder's own copy is the one place that changes.
    target = copy[1]
    if isinstance(target, dict):
        names = list(target)
        what = chance.choice(["drop", "replace", "add", "rename", "replace"])
        if what == "add" or not names:
            target[chance.choice(KEYS)] = chance.choice(VALUES)
        elif what == "drop":
            del target[chance.choice(names)]
        elif what == "replace":
            target[chance.choice(names)] = chance.choice(VALUES)
        else:
            target[chance.choice(KEYS)] = target.pop(chance.choice(names))
    elif target:
        at = chance.randrange(len(target))
        what = chance.choice(["drop", "replace", "twice"])
        if what == "drop":
            del target[at]
        elif what == "replace":
            target[at] = chance.choice(VALUES)
        else:
            target.append(target[at])
    else:
        target.append(chance.choice(VALUES))
    return copy[0]


def _holders(value: Any) -> Iterator[dict[str, Any] | list[Any]]:
    if isinstance(value, dict):
        yield value
        for one in value.values():
            yield from _holders(one)
    elif isinstance(value, list):
        yield value
        for one in value:
            yield from _holders(one)


def _copied(value: Any, wanted: Any) -> tuple[Any, Any]:
    """A deep copy, and the copy of one of the values in it."""
    found: list[Any] = []

    def copy(one: Any) -> Any:
        made: Any = one
        if isinstance(one, dict):
            made = {key: copy(inner) for key, inner in one.items()}
        elif isinstance(one, list):
            made = [copy(inner) for inner in one]
        if one is wanted:
            found.append(made)
        return made

    whole = copy(value)
    return whole, found[0]
