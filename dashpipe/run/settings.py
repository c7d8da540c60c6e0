"""Settings that the environment gives every run."""

from __future__ import annotations

from collections.abc import Mapping

from dashpipe.run.errors import Refused

#: Documents a batch on the cursor route, where ``BATCH_SIZE`` says nothing else.
BATCH_SIZE = 1000


def batch_size(environ: Mapping[str, str]) -> int:
    """The documents of a batch: ``BATCH_SIZE``, else 1000.

    Raises:
        Refused: It is no whole number from 1 to 100,000.
    """
    text = environ.get("BATCH_SIZE", "").strip()
    if not text:
        return BATCH_SIZE
    if not text.isdecimal() or not 1 <= int(text) <= 100_000:
        raise Refused(
            "the variable BATCH_SIZE is no number of documents", "write a whole number from 1 to 100000"
        )
    return int(text)
