"""What a value may be: the tables of keys are made of these; checks, JSON Schema and reference read them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

#: A value of an enumeration.
Word: TypeAlias = "int | str | None"


class Text(NamedTuple):
    """Text.

    Attributes:
        what: What it stands for, with its article: ``a name``.
        pattern: Regular expression that it must match (in the subset that Python and ECMAScript share).
        most: Longest, in code points; 0 is any length.
        least: Shortest.
        not_in: Texts that it must not be.
        code: The finding for a text that does not match.
        help: What to write instead.
    """

    what: str = "text"
    pattern: str = ""
    most: int = 0
    least: int = 0
    not_in: frozenset[str] = frozenset()
    code: str = "S109"
    help: str = ""
    examples: tuple[str, ...] = ()


class Words(NamedTuple):
    """One of a few values.

    ``also`` gives, for what people write elsewhere, the value that means it; ``later`` comes later.
    """

    words: tuple[Word, ...]
    also: tuple[tuple[str, str], ...] = ()
    later: tuple[str, ...] = ()


class Number(NamedTuple):
    """A number from ``least`` to ``most``; ``whole``: without fraction. ``help`` is for one beyond them."""

    whole: bool = True
    least: float | None = None
    most: float | None = None
    help: str = ""


class Flag:
    """True or false."""


class Null:
    """Nothing, said aloud: ``null``."""


class ListOf(NamedTuple):
    """A list of values of one kind, with at least so many."""

    item: Kind
    least: int = 1


class Paths(NamedTuple):
    """A mapping whose keys are paths of a document's fields."""

    value: Kind
    key: Text


class Free(NamedTuple):
    """Anything in some forms: what MongoDB reads. ``what`` it is, with its article."""

    what: str
    forms: tuple[str, ...]


class Key(NamedTuple):
    """One key of a mapping.

    Attributes:
        name: As it is written.
        kind: What its value may be.
        description: For editors and the reference: what it means.
        required: Whether the mapping needs it.
        default: What holds without it, in words; empty where nothing does.
        instead: A key that may stand in its place, and not beside it.
    """

    name: str
    kind: Kind
    description: str
    required: bool = False
    default: str = ""
    instead: str = ""


@dataclass(frozen=True, slots=True)
class Keys:
    """A mapping with known keys.

    Attributes:
        name: What it is, in one word: ``metric``.
        keys: Its keys, whatever its type.
        by: The key whose value decides which further keys there are.
        variants: Those further keys, for each value of ``by``.
        some: Of these keys at least one is needed.
        later: Keys that a later version has.
        short: The key that a bare text in the mapping's place probably means.
        foreign: Keys that people write here and that belong elsewhere, with what to do.
    """

    name: str
    keys: tuple[Key, ...]
    by: str = ""
    variants: tuple[tuple[str, tuple[Key, ...]], ...] = ()
    some: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    short: str = ""
    foreign: tuple[tuple[str, str], ...] = ()
    table: dict[str, Key] = field(init=False, repr=False, compare=False)
    tables: dict[str, dict[str, Key]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        table = {one.name: one for one in self.keys}
        object.__setattr__(self, "table", table)
        tables = {name: table | {one.name: one for one in keys} for name, keys in self.variants}
        object.__setattr__(self, "tables", tables)

    def of(self, kind: str | None) -> dict[str, Key]:
        """The keys of a type; without one, those of every type together."""
        if kind is not None and kind in self.tables:
            return self.tables[kind]
        together = dict(self.table)
        for table in self.tables.values():
            together |= table
        return together


class Cases(NamedTuple):
    """A mapping that is one thing if it has a key (and not another), else another thing."""

    has: str
    lacks: str
    then: Keys
    other: Keys


class Either(NamedTuple):
    """One of several kinds, told apart by what is written: text, a number, null, a list or a mapping."""

    kinds: tuple[Kind, ...]


Kind: TypeAlias = "Text | Words | Number | Flag | Null | ListOf | Paths | Free | Keys | Cases | Either"


def takes(kind: Kind) -> frozenset[str]:
    """The forms that a kind may be written in: text, number, flag, null, list, map."""
    if isinstance(kind, Text):
        return frozenset({"text"})
    if isinstance(kind, Words):
        return frozenset(_form(one) for one in kind.words)
    if isinstance(kind, Number):
        return frozenset({"number"})
    if isinstance(kind, Flag):
        return frozenset({"flag"})
    if isinstance(kind, Null):
        return frozenset({"null"})
    if isinstance(kind, ListOf):
        return frozenset({"list"})
    if isinstance(kind, Free):
        return frozenset(kind.forms)
    if isinstance(kind, Either):
        return frozenset().union(*(takes(one) for one in kind.kinds))
    return frozenset({"map"})


def words(written: str) -> tuple[str, ...]:
    """The words of a text."""
    return tuple(written.split())


def aliases(**meant: str) -> tuple[tuple[str, str], ...]:
    """What `Words.also` holds: for each value, what is written for it elsewhere, separated by blanks."""
    return tuple((one, value) for value, written in meant.items() for one in words(written))


def _form(word: Word) -> str:
    return "null" if word is None else "text" if isinstance(word, str) else "number"
