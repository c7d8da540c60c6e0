"""Running pipelines that read two collections of the target's database, whatever the server can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashpipe.compile.emit import Stages
from dashpipe.compile.lowering import UNION_WITH
from dashpipe.compile.lowering.unions import taken_apart, turned
from dashpipe.run import encode, operation, staging, state
from dashpipe.run.base import Run, Session

if TYPE_CHECKING:
    from pymongo.collection import Collection

Document = dict[str, Any]


def aggregate(
    run: Run, session: Session, collection: Collection[Document], stages: Stages, step: str
) -> list[Document]:
    """What a pipeline yields, which is little or, with a last stage that writes, nothing.

    What unites staging with a target is run on the target, where an index serves its filter on every server.
    Without ``$unionWith`` on the server its branches are put into staging first, which costs a copy of them.
    """
    options = operation.options(run, step)
    united = taken_apart(stages) if UNION_WITH in run.lacking else None
    if united is None:
        staged = collection.name.startswith(state.STAGING)
        from_target = turned(stages, collection.name) if staged else None
        if from_target is not None and not from_target[0].startswith(state.STAGING):
            collection, stages = collection.database[from_target[0]], from_target[1]
        return list(collection.aggregate(encode.to_bson(stages), **options))
    grain, fence = run.plan.grains[0], session.lease.fence
    name = state.staging(run.subject.id, run.id, f"united_{step}", grain, fence)
    session.target.drop_collection(name)
    staging.make(session, name)
    into = {"$merge": {"into": {"db": session.target.name, "coll": name}}}
    try:
        for other, branch in united.branches:
            session.lease.check()
            reader = collection if other is None else collection.database[other]
            reader.aggregate(encode.to_bson([*branch, into]), **options)
        return list(session.target[name].aggregate(encode.to_bson(united.rest), **options))
    finally:
        session.target.drop_collection(name)
