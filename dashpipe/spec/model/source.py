"""A source, how it is shaped before it is counted, and its dimensions."""

from __future__ import annotations

from dataclasses import dataclass, field

from dashpipe.spec.model.metric import Metric
from dashpipe.spec.model.origin import NOWHERE, EnvText, Origin
from dashpipe.spec.model.time import Time


@dataclass(frozen=True, slots=True)
class Field:
    """The declared type of a document's field (dotted path)."""

    path: str
    type: str
    on_type_error: str = "nullify"
    origin: Origin = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Valid:
    """The fields that say from which day on, and before which day, a document holds; ``None``: open."""

    start: str | None = None
    end: str | None = None


@dataclass(frozen=True, slots=True)
class Lookup:
    """Where a looked-up dimension finds its value, by a dimension of the row; ``valid``: on its last day."""

    collection: EnvText
    key: str
    foreign: str
    field: str
    connection: str | None = None
    valid: Valid | None = None


@dataclass(frozen=True, slots=True)
class Dimension:
    """A dimension of a source (``expr`` over its documents), or of a subject (``lookup``)."""

    name: str
    expr: str | None = None
    lookup: Lookup | None = None
    description: str = ""
    origin: Origin = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Unwind:
    """An array whose elements are counted: an element is read under ``alias``.

    ``keep_empty`` keeps documents without elements, as documents.
    """

    path: str
    alias: str
    keep_empty: bool = False


@dataclass(frozen=True, slots=True)
class File:
    """Files that a source is landed from: one by its path or URL, or all that a pattern names.

    ``key`` are the fields that tell its rows apart; without any, a row is known by its file and its number.
    ``timezone`` is the zone of times without an offset. Beside empty text, the texts of ``nulls`` are NULL in
    CSV. ``max_bad`` is the share of rows that may be unreadable.
    """

    path: str
    format: str
    key: tuple[str, ...] = ()
    timezone: str | None = None
    delimiter: str = ","
    encoding: str = "utf-8"
    nulls: tuple[str, ...] = ()
    max_bad: float = 0.001


@dataclass(frozen=True, slots=True)
class Http:
    """An HTTP endpoint that a source is landed from: it answers in JSON, with rows known by ``key``.

    ``items`` is the path of the list of rows in an answer (``None``: the answer itself). ``by`` is how pages
    follow each other: `next` (the URL at ``path``), `cursor` (the text at ``path``, given as ``parameter``),
    `page` (a number from ``first`` on, as ``parameter``). ``since`` is the parameter that asks for what
    changed. ``connection`` names the headers. ``max_bad`` is as of files.
    """

    url: str
    key: tuple[str, ...]
    items: str | None = None
    by: str | None = None
    path: str | None = None
    parameter: str | None = None
    first: int = 1
    since: str | None = None
    connection: str | None = None
    timezone: str | None = None
    max_bad: float = 0.001


@dataclass(frozen=True, slots=True)
class Source:
    """One source of a subject: a model by name, or one defined in the subject itself.

    ``prepare`` are stages that a document goes through before all else, each as JSON. ``unique`` keeps, of
    the documents of a partition that agree on these keys, the newest by time (ties: the greatest ``_id``),
    before ``where``. ``incremental`` keeps the values that distinct counts count: longer grains are made of
    those of days. ``max_untimed`` is a share (0.001 is 0.1 %). ``metrics`` are those that a subject may take;
    in a resolved subject they are empty, since ``Subject.metrics`` are all that it computes. A ``snapshot``
    is of the documents as they stand when a run reads them; its ``time`` is of that kind. One with a ``file``
    or ``http`` is landed: ``collection`` is then in the target's database, and ``connection`` is the target's
    (empty until that is known).
    """

    name: str
    collection: EnvText
    time: Time
    connection: str = "source"
    updated: Time | None = None
    prepare: tuple[str, ...] = ()
    unique: tuple[str, ...] = ()
    unwind: Unwind | None = None
    where: str | None = None
    fields: tuple[Field, ...] = ()
    dimensions: tuple[Dimension, ...] = ()
    metrics: tuple[Metric, ...] = ()
    read: str | None = None
    incremental: bool = False
    snapshot: bool = False
    max_untimed: float = 0.001
    file: File | None = None
    http: Http | None = None
    description: str = ""
    origin: Origin = field(default=NOWHERE, compare=False)

    @property
    def landed(self) -> bool:
        """Whether its documents come from elsewhere: extract lands them in its collection first."""
        return self.file is not None or self.http is not None
