"""The keys of a source: what a model file holds, and what a subject defines inline."""

from __future__ import annotations

from dashpipe.spec.shape.kinds import Either, Flag, Free, Key, Keys, ListOf, Number, Paths, Words, aliases
from dashpipe.spec.shape.landing import FILE, HTTP
from dashpipe.spec.shape.metric import definition
from dashpipe.spec.shape.texts import COLLECTION_OR_ENV, CONNECTION, EXPRESSION, NAME, PATH, PLAIN, REF

FIELD_TYPES = ("integer", "number", "decimal", "string", "boolean", "date", "object_id", "array")

TYPE = Words(
    FIELD_TYPES,
    also=aliases(
        integer="int int32 int64 long bigint smallint",
        number="float double real numeric num",
        string="str text varchar char uuid",
        decimal="decimal128 money",
        date="datetime timestamp timestamptz time isodate",
        boolean="bool flag",
        object_id="objectid oid id",
        array="list set",
    ),
)

FIELD = Keys(
    "field",
    (
        Key(
            "type",
            TYPE,
            "The type of the field's values; a value of another type is NULL and counted.",
            required=True,
        ),
        Key(
            "on_type_error",
            Words(
                ("nullify", "fail", "quarantine"),
                also=aliases(
                    nullify="skip null ignore",
                    fail="error raise stop",
                    quarantine="isolate drop discard reject exclude",
                ),
            ),
            "What a value of another type does: it becomes NULL and is counted, the run fails, or its "
            "document is left out of every metric of the source and listed until it is mended.",
            default="nullify",
        ),
    ),
    later=("pii",),
    short="type",
)

TIME = Either(
    (
        PATH,
        Keys(
            "time",
            (
                Key("field", PATH, "The field that holds the instant.", required=True),
                Key(
                    "as",
                    Words(
                        ("date", "iso", "epoch_s", "epoch_ms", "object_id"),
                        also=aliases(
                            date="datetime timestamp",
                            iso="text string iso8601 iso_8601 rfc3339",
                            epoch_s="epoch unix unix_s seconds s integer",
                            epoch_ms="unix_ms milliseconds millis ms",
                            object_id="objectid oid id",
                        ),
                    ),
                    "How the instant is stored: MongoDB's own `date`; `iso`, ISO 8601 text with `Z` or an "
                    "offset; `epoch_s` or `epoch_ms`, a number since 1970; `object_id`, the time of an id.",
                    default="date",
                ),
            ),
            short="field",
        ),
    )
)

UNWIND = Keys(
    "unwind",
    (
        Key("path", PATH, "The field that holds the array.", required=True),
        Key(
            "as",
            NAME,
            "What an element is called in expressions: `item`, its fields `item.price`.",
            required=True,
        ),
        Key(
            "keep_empty",
            Flag(),
            "Keep documents without elements, as documents.",
            default="false",
        ),
    ),
    short="path",
)

LOOKUP = Keys(
    "lookup",
    (
        Key("collection", COLLECTION_OR_ENV, "The collection that is looked up in.", required=True),
        Key(
            "key",
            REF,
            "The dimension of the row whose value is looked up; it may be a looked-up one itself.",
            required=True,
        ),
        Key("foreign", PATH, "The field of the collection that holds this value.", required=True),
        Key("field", PATH, "The field of the collection whose value the dimension takes.", required=True),
        Key("connection", CONNECTION, "The connection to the collection.", default="the first source's"),
        Key(
            "valid",
            Keys(
                "validity",
                (
                    Key(
                        "from",
                        PATH,
                        "The field with the first day on which a document holds.",
                        default="open",
                    ),
                    Key(
                        "to", PATH, "The field with the day from which on it no longer does.", default="open"
                    ),
                ),
                some=("from", "to"),
            ),
            "Of several documents of a key, take the one that holds on the partition's last day.",
            default="each key stands once",
        ),
    ),
)

DIMENSION = Either(
    (
        NAME,
        Keys(
            "dimension",
            (
                Key("name", NAME, "The dimension's name: a column of the row.", required=True),
                Key("expr", EXPRESSION, "Its value, an SQL expression over a document.", default="its name"),
                Key("description", PLAIN, "What it is, for people.", default="empty"),
            ),
            foreign=(("lookup", "a lookup belongs to the `dimensions` of a subject"),),
        ),
    )
)

#: Keys of a source in either place.
_COMMON = (
    Key("description", PLAIN, "What one document is.", default="empty"),
    Key(
        "collection",
        COLLECTION_OR_ENV,
        "The collection that is read, or `{env: NAME, default: …}`.",
        required=True,
    ),
    Key(
        "file",
        FILE,
        "The files that the documents come from: each run lands them in `collection`, which is then in the "
        "target's database.",
        default="the collection is read as it is",
    ),
    Key(
        "http",
        HTTP,
        "The HTTP endpoint that the documents come from: each run lands them in `collection`, which is then "
        "in the target's database.",
        default="the collection is read as it is",
    ),
    Key("connection", CONNECTION, "The connection to its database.", default="source"),
    Key(
        "time",
        TIME,
        "The field whose instant decides the partition, or `{field, as}`; needed unless the source is a "
        "`snapshot`.",
    ),
    Key(
        "snapshot",
        Flag(),
        "The documents have no time: each run counts them as they stand, in the partition that it is in. "
        "What is over is never computed again.",
        default="false",
    ),
    Key(
        "updated",
        TIME,
        "The field that says when a document last changed, or `{field, as}`: finds changed old days "
        "beyond the lookback.",
    ),
    Key(
        "prepare",
        ListOf(Free("a stage", ("map",))),
        "What is done to a document before anything reads it, in MongoDB's stages: `$match`, `$set`, "
        "`$unset`, `$unwind`, `$lookup`, `$project`, `$replaceWith`.",
        default="documents as they are stored",
    ),
    Key(
        "unique",
        ListOf(EXPRESSION),
        "Of the documents of a partition that agree on these, the newest by time counts (ties: the greatest "
        "`_id`); before `where`.",
        default="every document counts",
    ),
    Key("unwind", UNWIND, "The array whose elements are counted.", default="documents are counted"),
    Key("where", EXPRESSION, "Which documents count, an SQL condition.", default="all"),
    Key(
        "fields",
        Paths(Either((TYPE, FIELD)), PATH),
        "The types of what is read: path of a field → type, or `{type, on_type_error}`.",
        default="types follow from use",
    ),
    Key(
        "dimensions",
        ListOf(DIMENSION, least=0),
        "What rows can be keyed by: names, or `{name, expr}`.",
        default="[]",
    ),
    Key("metrics", ListOf(definition(with_source=False), least=0), "What can be measured.", default="[]"),
    Key(
        "read",
        Words(("secondary",)),
        "Read from a secondary of the replica set.",
        default="the primary",
    ),
    Key(
        "incremental",
        Flag(),
        "Keep the values that distinct counts count, by key and partition of the finest grain: weeks, months "
        "and longer are then counted from those, without reading the source again.",
        default="false",
    ),
    Key(
        "max_untimed",
        Number(whole=False, least=0, most=1, help="write a share from 0 to 1: 0.1 % is 0.001"),
        "The share of documents without a usable time above which the run fails.",
        default="0.001",
    ),
)
#: What tells which partition a document is of.
_SOME = ("time", "snapshot")

SOURCE = Keys(
    "source",
    (Key("name", NAME, "The source's name in this subject.", required=True), *_COMMON),
    some=_SOME,
)

MODEL = Keys(
    "model",
    (
        Key("dashpipe", Words((1,)), "The version of the spec language.", required=True),
        Key("model", NAME, "The model's name, by which subjects take it.", required=True),
        *_COMMON,
    ),
    some=_SOME,
    foreign=tuple(
        (one, "it belongs to a subject: a model says what a source is, a subject what is made of it")
        for one in (
            "grains",
            "timezone",
            "schedule",
            "start",
            "target",
            "checks",
            "lookback_days",
            "sources",
            "version",
        )
    ),
)
