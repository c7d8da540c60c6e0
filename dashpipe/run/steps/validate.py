"""Validate: judge the rows in staging by the spec's checks, before the target sees any of them."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dashpipe.compile import partition
from dashpipe.run import encode, ledger, state, values
from dashpipe.run.base import Run, Session
from dashpipe.run.checks import freshness, judge, measure
from dashpipe.run.checks.result import FAIL, STATUSES, WARN, Result
from dashpipe.run.errors import CheckFailed, translating
from dashpipe.run.guarded import guarded
from dashpipe.run.lease import server_time
from dashpipe.run.transform.parts import batches
from dashpipe.spec.model import Check, Grain

if TYPE_CHECKING:
    from pymongo.client_session import ClientSession

Document = dict[str, Any]

#: Results that a message or a receipt tells in full.
_SHOWN = 10

#: Of one check that failed in many partitions.
_EACH = 3


def validate(run: Run, session: Session) -> Document:
    """Run every check, store each result with its partition, and stop the run where one failed.

    Returns:
        The receipt: ``checks`` (status → count), ``warnings`` (sentences), ``ms``.

    Raises:
        CheckFailed: A ``fail`` did; its partitions are marked, the target is untouched.
    """
    began = time.monotonic()
    results = [*_of_rows(run, session), *_of_values(run, session), *_of_sources(run)]
    documents = _store(run, session, results)
    counts = Counter(one.status for one in results)
    checks = {status: counts[status] for status in STATUSES}
    warnings = [_told(one) for one in results if one.status == WARN]
    for text in warnings[:_SHOWN]:
        session.setup.log("check warns", level=logging.WARNING, run=run.id, text=text)
    session.setup.log("checked", run=run.id, **checks)
    failed = [one for one in results if one.status == FAIL]
    if failed:
        _mark(run, session, failed)
        raise _failure(failed, [one for one in documents if one["status"] == FAIL])
    ms = round((time.monotonic() - began) * 1000)
    return {"checks": checks, "warnings": warnings[:_SHOWN], "ms": ms}


def _of_rows(run: Run, session: Session) -> Iterable[Result]:
    """The results of the checks of rows, grain by grain."""
    for grain in run.plan.grains:
        checks = tuple(one for one in run.subject.checks if one.source is None and _grain(run, one) is grain)
        if not checks:
            continue
        staged = session.target[run.receipts["transform"]["staging"][grain.value]]
        labels, over = _judged(run, grain)
        with translating(f"checking the rows of grain {grain.value}"):
            session.lease.check()
            measured = measure.scan(run, grain, staged, checks)
            for at, one in enumerate(checks):
                repeated = measure.repeated(run, grain, staged, one) if one.type == "unique" else {}
                yield from judge.judge(one, at, grain, labels if one.incomplete else over, measured, repeated)


def _grain(run: Run, check: Check) -> Grain:
    return check.grain or run.subject.grains[0]


def _judged(run: Run, grain: Grain) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The partitions of a grain: all of the run, and those that are over."""
    labels = run.partitions.get(grain, ())
    late = set(partition.incomplete(grain, labels, run.as_of, run.subject.calendar))
    return labels, tuple(label for label in labels if label not in late)


def _of_values(run: Run, session: Session) -> Iterable[Result]:
    """The results of the checks of values, by partition of the finest grain."""
    grain = run.plan.grains[0]
    for one in run.subject.checks:
        if one.type == "values" and one.source is not None:
            labels, over = _judged(run, grain)
            judged = labels if one.incomplete else over
            known = values.known(run, session, one.source, judged)
            yield from (judge.values(one, grain, label, known.get(label)) for label in judged)


def _of_sources(run: Run) -> Iterable[Result]:
    for one in run.subject.checks:
        if one.type == "freshness":
            yield freshness.judge(one, run, run.receipts[f"extract_{one.source}"]["newest"])


def _store(run: Run, session: Session, results: list[Result]) -> list[Document]:
    """Store the results; those of an earlier attempt of this run are replaced."""
    if not results:
        return []
    at, checks = server_time(session.target), session.target[state.CHECKS]
    documents = [_document(run, session, one, at) for one in results]
    with translating("storing the results of the checks"):
        for batch in batches(documents, session.setup.batch_size):
            ids = [one["_id"] for one in batch]

            def work(
                client: ClientSession | None, ids: list[Any] = ids, batch: list[Document] = batch
            ) -> None:
                checks.delete_many({"_id": {"$in": ids}}, session=client)
                checks.insert_many(batch, ordered=False, session=client)

            guarded(session, work)
    return documents


def _document(run: Run, session: Session, one: Result, at: datetime) -> Document:
    grain = None if one.grain is None else one.grain.value
    parts = (run.subject.id, run.id, one.check.id, grain or "", one.partition or "")
    return {
        "_id": "|".join(parts),
        "subject": run.subject.id,
        "check": one.check.id,
        "type": one.check.type,
        "grain": grain,
        "partition": one.partition,
        "status": one.status,
        "value": encode.to_bson(one.value),
        "bounds": {"warn": judge.described(one.check.warn), "fail": judge.described(one.check.fail)},
        "message": one.message,
        "run_id": run.id,
        "fence": session.lease.fence,
        "spec_hash": run.hash,
        "at": at,
    }


def _mark(run: Run, session: Session, failed: list[Result]) -> None:
    """Mark the partitions that failed; a source that is not fresh fails none, it is caught up later."""
    marks: dict[Grain, dict[str, str]] = {}
    for one in failed:
        if one.grain is not None and one.partition is not None:
            reasons = marks.setdefault(one.grain, {})
            reasons[one.partition] = "; ".join(filter(None, [reasons.get(one.partition), _told(one)]))
    ledger.mark_failed(run, session, marks)


def _failure(failed: list[Result], documents: list[Document]) -> CheckFailed:
    by_check: dict[str, list[Result]] = {}
    for one in failed:
        by_check.setdefault(one.check.id, []).append(one)
    texts: list[str] = []
    for name, some in by_check.items():
        texts += [_told(one) for one in some[:_EACH]]
        if len(some) > _EACH:
            texts.append(f"and {len(some) - _EACH} more of {name}, up to {some[-1].partition}")
    more = f"; and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    count = "1 check result failed" if len(failed) == 1 else f"{len(failed)} check results failed"
    return CheckFailed(
        f"{count}: {'; '.join(texts[:_SHOWN])}{more}",
        "the target is untouched; mend the documents or the spec and run again",
        documents,
    )


def _told(one: Result) -> str:
    return f"{one.check.id}: {one.message}"
