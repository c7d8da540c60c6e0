"""Writes of a run's state that take effect only while its lease stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from pymongo.errors import OperationFailure

from dashpipe.run.base import Session

if TYPE_CHECKING:
    from pymongo.client_session import ClientSession

Result = TypeVar("Result")

_NO_TRANSACTIONS = 20  # a server without a replica set


def guarded(session: Session, work: Callable[[ClientSession | None], Result]) -> Result:
    """Run some writes in one transaction that first touches the lease: a run which lost it writes nothing.

    Args:
        session: The step's session.
        work: The writes; it may be called more than once, and hands the client session to each operation.
            It is given ``None`` on a server without transactions: the lease is confirmed right before.

    Raises:
        LeaseLost: The lease is not ours any more.
    """

    def whole(client: ClientSession) -> Result:
        session.lease.touch(client)
        return work(client)

    with session.target.client.start_session() as client:
        try:
            done: Result = client.with_transaction(whole)
            return done
        except OperationFailure as error:
            if error.code != _NO_TRANSACTIONS:
                raise
    session.lease.confirm()
    return work(None)
