"""A lease that is held: renewed by a thread, checked between chunks, and part of every write."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from pymongo.errors import PyMongoError

from dashpipe.run import state
from dashpipe.run.errors import LeaseLost

if TYPE_CHECKING:
    from pymongo.client_session import ClientSession
    from pymongo.database import Database

Document = dict[str, Any]

#: How long a lease stands without being renewed, and how often it is.
LEASE = timedelta(minutes=5)
RENEW = timedelta(seconds=60)


def server_time(database: Database[Document]) -> datetime:
    """The server's clock: leases of several machines are compared by it alone."""
    now: datetime = database.client.admin.command("hello")["localTime"]
    return now.replace(tzinfo=timezone.utc)  # commands are read without the client's time zone


class Held:
    """A lease in our hands.

    ``fence`` is our number, ``previous`` the run that it was taken over from, ``writer`` the fence of an
    attempt that began to write and never ended, ``entered`` the server's time. A thread renews it until
    ``leave`` or ``release``.
    """

    def __init__(
        self, database: Database[Document], document: Document, *, previous: str | None = None
    ) -> None:
        self.subject_id: str = document["_id"]
        self.run_id: str = document["holder"]
        self.fence: int = document["fence"]
        self.tenure: int = document["tenure"]
        self.entered: datetime = document["until"] - LEASE
        self.watermarks: dict[str, datetime] = dict(document.get("watermarks") or {})
        self.previous = previous
        self.writer: int | None = document.get("writing")
        self._targets = database[state.TARGETS]
        self._database = database
        # Extracts share a fence: the next step's ends them all.
        self._ours: Document = {"_id": self.subject_id, "holder": self.run_id, "fence": self.fence}
        self._good_until = time.monotonic() + LEASE.total_seconds()
        self._lost = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._renewing, name=f"lease {self.subject_id}", daemon=True)
        self._thread.start()

    def _renewing(self) -> None:
        while not self._over.wait(RENEW.total_seconds()):
            try:
                self._renew()
            except PyMongoError:
                continue  # the lease still stands for a while; `check` tells when it does not

    def _renew(self) -> None:
        asked = time.monotonic()
        until = server_time(self._database) + LEASE
        if self._targets.update_one(self._ours, {"$set": {"until": until}}).matched_count:
            self._good_until = asked + LEASE.total_seconds()
        else:
            self._lost = True
            self._over.set()

    def check(self) -> None:
        """Make sure that the lease is still ours, as far as can be told without asking.

        Raises:
            LeaseLost: Another run or attempt has it, or it could not be renewed in time.
        """
        if self._lost or time.monotonic() > self._good_until:
            raise self._loss()

    def confirm(self) -> None:
        """Ask the database whether the lease is still ours, and renew it.

        Raises:
            LeaseLost: It is not.
        """
        self._renew()
        self.check()

    def writing(self) -> None:
        """Say that writes to the target begin: who takes the lease from us then ends our last one first.

        Raises:
            LeaseLost: The fence is not ours any more.
        """
        if not self._targets.update_one(self._ours, {"$set": {"writing": self.fence}}).matched_count:
            raise self._loss()

    def guard(self) -> list[Document]:
        """Stages that let documents pass only while our fence stands, to be run in the target database."""
        held = [{"$match": {"_id": self.subject_id, "fence": self.fence}}, {"$project": {"_id": 1}}]
        return [
            {"$lookup": {"from": state.TARGETS, "pipeline": held, "as": "_held"}},
            {"$match": {"_held": {"$ne": []}}},
            {"$unset": "_held"},
        ]

    def touch(self, session: ClientSession) -> None:
        """Write to the lease in a transaction, so that it cannot commit once another fence is taken.

        Raises:
            LeaseLost: The fence is not ours any more.
        """
        touched = self._targets.update_one(self._ours, {"$inc": {"touched": 1}}, session=session)
        if not touched.matched_count:
            raise self._loss()

    def leave(self, keep_for: timedelta) -> None:
        """End the step; the lease stands for the run's next step for a while."""
        self._stop()
        until = server_time(self._database) + keep_for
        self._targets.update_one(self._ours, {"$set": {"until": until, "writing": None}})

    def release(self) -> None:
        """Give the lease up: any run may take it.

        The same run may come back into its tenure before another does.
        """
        self._stop()
        self._targets.update_one(self._ours, {"$set": {"holder": None, "step": None, "writing": None}})

    def _stop(self) -> None:
        self._over.set()
        self._thread.join(timeout=1)

    def _loss(self) -> LeaseLost:
        return LeaseLost(
            f"the lease of {self.subject_id} is no longer held by {self.run_id} with fence {self.fence}",
            "another run went on; this one changed nothing after that",
        )
