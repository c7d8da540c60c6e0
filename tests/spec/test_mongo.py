"""What may not stand in `prepare` and `mongo` is refused at any depth, at its place, and never stripped."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashpipe.spec import mongo
from dashpipe.spec.mongo.operators import EXPRESSIONS, FILTERS

#: Of what MongoDB has: operators that run code, write, read elsewhere, or give another result each time.
BARRED = (
    "$where",
    "$function",
    "$accumulator",
    "$rand",
    "$sampleRate",
    "$out",
    "$merge",
    "$unionWith",
    "$currentOp",
    "$listSessions",
    "$facet",
    "$graphLookup",
    "$getField",
    "$meta",
    "$toHashedIndexKey",
    "$dateTrunc",
    "$push",
    "$madeUp",
)

GOOD: list[dict[str, Any]] = [
    {"$match": {"a": 1, "b": {"$in": [1, 2]}, "$or": [{"c": {"$not": {"$gt": 5}}}, {"d": {"x": 1}}]}},
    {"$match": {"$expr": {"$gt": ["$a", {"$add": ["$b", 1]}]}, "e": {"$elemMatch": {"f": {"$gte": 3}}}}},
    {
        "$set": {
            "n": {"$map": {"input": "$items", "as": "x", "in": {"$multiply": ["$$x.p", 2]}}},
            "m": {
                "$cond": {"if": {"$isArray": "$t"}, "then": "$$REMOVE", "else": {"$literal": {"$where": 1}}}
            },
            "s": {
                "$switch": {"branches": [{"case": {"$eq": ["$a", 1]}, "then": "x"}], "default": {"k": "$b"}}
            },
        }
    },
    {"$unset": ["raw", "notes.old"]},
    {"$unwind": {"path": "$lines", "preserveNullAndEmptyArrays": True, "includeArrayIndex": "at_line"}},
    {
        "$lookup": {
            "from": "shops",
            "let": {"shop": "$shop_id"},
            "pipeline": [{"$match": {"$expr": {"$eq": ["$_id", "$$shop"]}}}, {"$project": {"name": 1}}],
            "as": "shop",
        }
    },
    {"$project": {"at": 1, "n": 1, "shop": {"$first": "$shop.name"}}},
    {"$replaceWith": {"$mergeObjects": ["$n", {"_id": "$_id", "at": "$at"}]}},
]

#: Places in them that take an expression, and places that take a test beside a field.
HOLES = (
    (1, "$match", "$expr", "$gt", 1, "$add", 0),
    (2, "$set", "n", "$map", "in", "$multiply", 1),
    (2, "$set", "m", "$cond", "if"),
    (2, "$set", "s", "$switch", "branches", 0, "case", "$eq", 0),
    (2, "$set", "s", "$switch", "default", "k"),
    (5, "$lookup", "let", "shop"),
    (5, "$lookup", "pipeline", 0, "$match", "$expr", "$eq", 0),
    (6, "$project", "shop", "$first"),
    (7, "$replaceWith", "$mergeObjects", 0),
)
TESTS = (
    (0, "$match", "b"),
    (0, "$match", "$or", 0, "c", "$not"),
    (1, "$match", "e", "$elemMatch", "f"),
)


def put(path: tuple[Any, ...], value: Any) -> list[dict[str, Any]]:
    """The good stages with another value at a place."""
    made = copy.deepcopy(GOOD)
    holder: Any = made
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    return made


def test_what_is_listed_is_taken() -> None:
    """Sound stages of every kind are refused nothing."""
    assert list(mongo.stages(GOOD)) == []
    assert list(mongo.changes(GOOD, ("_id", "at"))) == []


@given(
    st.sampled_from(HOLES),
    st.sampled_from(BARRED),
    st.lists(st.sampled_from(sorted(EXPRESSIONS - {"$literal"}))),
)
def test_a_barred_operator_is_found_at_any_depth(hole: tuple[Any, ...], name: str, around: list[str]) -> None:
    """However deep an operator lies among allowed ones, it is refused at its own key."""
    value: Any = {name: "$x"}
    path: tuple[Any, ...] = (*hole,)
    for one in reversed(around):
        value = {one: ["$y", value]}
    for one in around:
        path = (*path, one, 1)
    (found,) = mongo.stages(put(hole, value))
    assert (found.path, found.on_key) == ((*path, name), True)
    assert f"`{name}`" in found.message
    assert found.help


@given(st.sampled_from(TESTS), st.sampled_from([one for one in BARRED if one not in FILTERS]))
def test_a_barred_operator_is_found_in_filters(hole: tuple[Any, ...], name: str) -> None:
    """Beside a field, beneath `$or`, `$not` and `$elemMatch`, it is refused too."""
    (found,) = mongo.stages(put(hole, {name: "this.a"}))
    assert found.path == (*hole, name)


@pytest.mark.parametrize("hole", HOLES)
@pytest.mark.parametrize("name", ["$$ROOT", "$$CURRENT.a", "$$NOW", "$$CLUSTER_TIME", "$$USER_ROLES.x"])
def test_variables_of_the_server_are_refused(hole: tuple[Any, ...], name: str) -> None:
    """What a variable of the server holds is not for specs, wherever it stands."""
    (found,) = mongo.stages(put(hole, name))
    assert (found.path, found.on_key) == (hole, False)
    assert name.split(".", maxsplit=1)[0] in found.message


@pytest.mark.parametrize(
    ("stage", "path"),
    [
        ({"$out": "x"}, (0, "$out")),
        ({"$merge": {"into": "x"}}, (0, "$merge")),
        ({"$unionWith": "x"}, (0, "$unionWith")),
        ({"$group": {"_id": 1}}, (0, "$group")),
        ({"match": {"a": 1}}, (0, "match")),
        ({"$match": {}, "$set": {}}, (0,)),
        ({}, (0,)),
        ({"$match": {"$where": "1"}}, (0, "$match", "$where")),
        ({"$match": {"$and": [{"$nor": [{"$where": "1"}]}]}}, (0, "$match", "$and", 0, "$nor", 0, "$where")),
        ({"$match": [1]}, (0, "$match")),
        ({"$set": {"$a": 1}}, (0, "$set", "$a")),
        ({"$set": {"a.$b": 1}}, (0, "$set", "a.$b")),
        ({"$set": {"a": {"$add": [1], "$where": "1"}}}, (0, "$set", "a", "$where")),
        ({"$unset": "$a"}, (0, "$unset")),
        ({"$unwind": "items"}, (0, "$unwind")),
        ({"$lookup": {"from": {"db": "admin", "coll": "x"}, "as": "y"}}, (0, "$lookup", "from")),
        ({"$lookup": {"from": "system.users", "as": "y"}}, (0, "$lookup", "from")),
        (
            {"$lookup": {"from": "a", "as": "b", "pipeline": [{"$out": "x"}]}},
            (0, "$lookup", "pipeline", 0, "$out"),
        ),
        ({"$lookup": {"pipeline": [], "as": "b"}}, (0, "$lookup")),
        ({"$lookup": {"from": "a"}}, (0, "$lookup")),
        ({"$replaceWith": {"a": {"$function": {}}}}, (0, "$replaceWith", "a", "$function")),
    ],
)
def test_stages_are_refused_at_their_place(stage: dict[str, Any], path: tuple[Any, ...]) -> None:
    """The first finding of a wrong stage is at the key or value that is wrong, with what to write."""
    first = next(mongo.stages([stage]))
    assert first.path == path
    assert first.message
    assert first.help


@pytest.mark.parametrize(
    "stage",
    [
        {"$set": {"meta.at": "$x"}},
        {"$set": {"meta": {}}},
        {"$set": {"meta.at.z": 1}},
        {"$set": {"_id": 1}},
        {"$unset": ["a", "meta"]},
        {"$unset": "_id"},
        {"$unwind": "$meta"},
        {"$unwind": {"path": "$a", "includeArrayIndex": "meta.at"}},
        {"$lookup": {"from": "a", "as": "meta"}},
        {"$project": {"a": 1}},
        {"$project": {"meta.at": 0}},
        {"$project": {"_id": 0, "meta": 1}},
        {"$project": {"meta.at": "$x"}},
        {"$replaceWith": "$a"},
        {"$replaceWith": {"$mergeObjects": [{"_id": "$_id", "meta": {"at": "$meta.at"}}, "$a"]}},
        {"$replaceWith": {"_id": "$_id", "meta": {"at": "$other"}}},
    ],
)
def test_time_and_id_stay(stage: dict[str, Any]) -> None:
    """A stage that writes, drops or replaces the time or `_id`, or what they lie in, is found."""
    assert list(mongo.stages([stage])) == []
    assert list(mongo.changes([stage], ("_id", "meta.at")))


@pytest.mark.parametrize(
    "stage",
    [
        {"$set": {"metal": 1, "a.meta": 2}},
        {"$unset": ["a", "meta.other"]},
        {"$project": {"a": 0}},
        {"$project": {"meta": 1, "a": "$b"}},
        {"$project": {"_id": 1, "meta.at": True}},
        {"$replaceWith": {"_id": "$_id", "meta": {"at": "$meta.at"}, "a": "$b"}},
        {"$replaceWith": {"$mergeObjects": ["$a", {"_id": "$_id", "meta": {"at": "$meta.at"}}]}},
    ],
)
def test_other_fields_may_change(stage: dict[str, Any]) -> None:
    """What leaves both as they are is no finding."""
    assert list(mongo.changes([stage], ("_id", "meta.at"))) == []
