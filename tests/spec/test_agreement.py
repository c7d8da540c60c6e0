"""The JSON Schema and lint's own checks of shape say the same of every file."""

from __future__ import annotations

import json
import random

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashpipe.spec import node, shape
from tests.conftest import PROFILE
from tests.spec import corpus

VALIDATOR = jsonschema.Draft7Validator(shape.json_schema())
GOOD = corpus.good()
WRONG = corpus.wrong()
PLAIN = [corpus.plain(text) for text in GOOD.values()]


def verdicts(tree: node.Node) -> tuple[bool, bool]:
    """Whether the schema and whether the checks of shape accept a file."""
    return VALIDATOR.is_valid(node.plain(tree)), not shape.check(tree, "f.yml")


@pytest.mark.parametrize("name", GOOD)
def test_good_specs_are_accepted_by_both(name: str) -> None:
    """Every sound spec is accepted by the schema and by the checks of shape."""
    tree = corpus.tree(GOOD[name])
    assert tree is not None
    assert [one.message for one in shape.check(tree, name)] == []
    assert verdicts(tree) == (True, True)


def test_wrong_specs_are_judged_alike() -> None:
    """Of every file of every hand-made wrong project, both say the same; and many are refused by both."""
    names = {text: name for name, text in WRONG.items()}  # most projects share files
    judged = {name: verdicts(tree) for text, name in names.items() if (tree := corpus.tree(text)) is not None}
    # JSON Schema takes 1.0 for a whole number; lint asks for 1.
    del judged["shape-version-with-a-point:metrics/shop/daily.yml"]
    assert {name: one for name, one in judged.items() if one[0] != one[1]} == {}
    assert sum(one == (False, False) for one in judged.values()) >= 100
    assert sum(one == (True, True) for one in judged.values()) >= 100


@settings(max_examples=settings().max_examples * (20 if PROFILE == "ci" else 10))
@given(seed=st.integers(0, 2**32))
def test_changed_specs_are_judged_alike(seed: int) -> None:
    """Of a sound spec with random keys dropped, added, renamed or given other values, both say the same."""
    chance = random.Random(seed)
    value = corpus.mutated(chance.choice(PLAIN), chance)
    tree = corpus.tree(json.dumps(value, ensure_ascii=False))
    assert tree is not None
    assert node.plain(tree) == value
    by_schema, by_lint = verdicts(tree)
    assert by_schema == by_lint, (value, shape.check(tree, "f.yml"), list(VALIDATOR.iter_errors(value)))


def test_changes_make_good_and_wrong_specs() -> None:
    """The random changes reach both verdicts often, so that agreeing on them says something."""
    chance = random.Random(7)
    found = [VALIDATOR.is_valid(corpus.mutated(chance.choice(PLAIN), chance)) for _ in range(200)]
    assert 20 < sum(found) < 180


def test_whole_number_with_a_point_is_the_one_difference() -> None:
    """JSON Schema cannot tell 1.0 from 1; lint asks for the whole number, since 1.0 would name a DAG."""
    tree = corpus.tree(GOOD["base/metrics/shop/daily.yml"] + "version: 1.0\n")
    assert tree is not None
    assert verdicts(tree) == (True, False)
