"""What resolving finds, before it has a place in a file: the family N of findings."""

from __future__ import annotations

from typing import NamedTuple

from dashpipe.spec.model import Origin

#: Code → name of the findings of this family; each has a page in ``dashpipe/lint/rules/``.
NAMES = {
    "N001": "unknown-model",
    "N002": "unknown-metric",
    "N003": "unknown-dimension",
    "N004": "dimension-not-in-source",
    "N005": "unknown-source",
    "N006": "name-twice",
    "N007": "metric-of-two-sources",
    "N008": "source-not-clear",
    "N009": "lookup-key",
    "N010": "unknown-column",
    "N011": "target-is-source",
    "N012": "model-twice",
    "N013": "subject-twice",
    "N014": "collection-twice",
    "N015": "field-and-dimension",
    "N016": "setting-missing",
    "N017": "unwind-name",
    "N018": "unknown-calendar",
    "N019": "landings-differ",
    "N020": "landed-source",
    "N025": "grouped-lookup",
}


class Issue(NamedTuple):
    """One mistake in names.

    Attributes:
        code: A key of ``NAMES``.
        at: The value that is wrong.
        message: What is wrong there.
        help: What to write instead.
        related: Other places that it speaks of, each with what it is.
        part: The wrong part of the value's text, as offsets; ``None`` for the whole.
        on_key: Whether the key at the place is meant, not its value.
    """

    code: str
    at: Origin
    message: str
    help: str = ""
    related: tuple[tuple[Origin, str], ...] = ()
    part: tuple[int, int] | None = None
    on_key: bool = False


def meant(word: str, known: list[str], otherwise: str) -> str:
    """The help for an unknown name: the nearest of the known ones, else which there are."""
    from dashpipe.expr.errors import nearest

    near = nearest(word, known)
    if near is not None:
        return f"did you mean {near}?"
    if not known:
        return otherwise
    listed = ", ".join(known[:8]) + (", …" if len(known) > 8 else "")
    return f"{otherwise}; there are: {listed}" if otherwise else f"write one of: {listed}"
