"""Windows over sorted documents without ``$setWindowFields``: a partition's documents in one array, folded.

It says what the emitted windows need, which is all from the partition's first document on: sums and extremes,
running or whole, and numbers. The documents there are small: values with their counts, or events.
"""

from __future__ import annotations

from typing import Any

from dashpipe.compile.emit.stages import Stage, Stages

#: Fields for what a window takes of each document. No name of a spec or of a part begins so.
_INPUT = "_dashpipe_w"

_RUNNING, _WHOLE = ["unbounded", "current"], ["unbounded", "unbounded"]


def gathered(stages: Stages) -> Stages:
    """Stages with every window as an array that is folded."""
    made: Stages = []
    for stage in stages:
        made += _gathered(stage["$setWindowFields"]) if "$setWindowFields" in stage else [stage]
    return made


def _gathered(window: dict[str, Any]) -> Stages:
    output: dict[str, dict[str, Any]] = window["output"]
    inputs = {name: f"{_INPUT}{at}" for at, name in enumerate(output)}
    running = {name: one for name, one in output.items() if not _is_whole(one)}
    folds = {name: _fold(one, inputs[name]) for name, one in running.items()}
    start = {inputs[name]: fold[0] for name, fold in folds.items()}
    names = {inputs[name]: fold[1] for name, fold in folds.items()}
    added = {name: f"$$next.{inputs[name]}" for name in running}
    whole = {name: _whole(one, inputs[name]) for name, one in output.items() if _is_whole(one)}
    folded = {
        "$reduce": {
            "input": "$all",
            "initialValue": {"list": [], **start},
            "in": {
                "$let": {
                    "vars": {"next": names},
                    "in": {
                        "$mergeObjects": [
                            "$$next",
                            {
                                "list": {
                                    "$concatArrays": ["$$value.list", [{"$mergeObjects": ["$$this", added]}]]
                                }
                            },
                        ]
                    },
                }
            },
        }
    }
    stages: Stages = [
        {"$set": {inputs[name]: _taken(one) for name, one in output.items()}},
        {"$sort": window["sortBy"]},
        {"$group": {"_id": window["partitionBy"], "all": {"$push": "$$ROOT"}}},
        {"$set": {"all": folded, **{inputs[name]: one for name, one in whole.items()}}},
        {"$set": {"all": "$all.list"}},
        {"$unwind": "$all"},
        {"$replaceWith": {"$mergeObjects": ["$all", {name: f"${inputs[name]}" for name in whole}]}},
        {"$unset": list(inputs.values())},
    ]
    return stages


def _operator(one: dict[str, Any]) -> str:
    return next(name for name in one if name.startswith("$"))


def _is_whole(one: dict[str, Any]) -> bool:
    return bool(one.get("window", {}).get("documents") == _WHOLE)


def _taken(one: dict[str, Any]) -> Any:
    """What a window takes of a document."""
    return {"$literal": 1} if _operator(one) == "$documentNumber" else one[_operator(one)]


def _fold(one: dict[str, Any], name: str) -> tuple[Any, Stage]:
    """A running value: at first, and from the one before and the document's own."""
    operator, before, mine = _operator(one), f"$$value.{name}", f"$$this.{name}"
    assert one.get("window", {"documents": _RUNNING})["documents"] == _RUNNING, one
    if operator in ("$sum", "$documentNumber"):
        return 0, {"$add": [before, mine]}
    assert operator == "$max", operator
    return None, {"$cond": [{"$gt": [mine, before]}, mine, before]}


def _whole(one: dict[str, Any], name: str) -> Any:
    """A value over all documents of the partition: a sum, the least or the greatest."""
    # Not `$all.name`: engines in use find nothing on a path through an array.
    return {_operator(one): {"$map": {"input": "$all", "as": "one", "in": f"$$one.{name}"}}}
