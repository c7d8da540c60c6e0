"""The keys of what a source's documents are landed from: files and HTTP endpoints."""

from __future__ import annotations

from dashpipe.spec.shape.kinds import Key, Keys, ListOf, Number, Words, aliases
from dashpipe.spec.shape.texts import CONNECTION, DELIMITER, FILE_PATH, PARAMETER, PATH, SOME, URL

#: Characters of text that are read as bytes, line by line; a line end is one byte in each.
ENCODINGS = ("utf-8", "iso-8859-1", "windows-1252", "gb18030", "big5", "shift_jis", "euc-kr")

#: What a landed row is known by.
KEY = Key(
    "key",
    ListOf(PATH),
    "The fields that tell rows apart: a row with a known key replaces the one before it.",
    default="the file and the number of the row",
)

MAX_BAD = Key(
    "max_bad",
    Number(whole=False, least=0, most=1, help="write a share from 0 to 1: 0.1 % is 0.001"),
    "The share of rows that may be unreadable: they are left out, counted and told; above it the run fails.",
    default="0.001",
)

FILE = Keys(
    "file",
    (
        Key(
            "path",
            FILE_PATH,
            "The file: a path below the project's folder, or a URL that fsspec knows (`s3://…`); `*`, `?` "
            "and `**` name many. What ends in .gz, .bz2, .xz or .zst is decompressed.",
            required=True,
        ),
        Key(
            "format",
            Words(
                ("csv", "jsonl", "parquet"),
                also=aliases(csv="text tsv", jsonl="json ndjson json_lines jsonlines", parquet="pq"),
            ),
            "How rows are stored: `csv` with a line of names, `jsonl` (an object a line), or `parquet`.",
            required=True,
        ),
        KEY,
        Key(
            "timezone",
            SOME,
            "The time zone of times without an offset.",
            default="such a text is no instant",
        ),
        MAX_BAD,
    ),
    by="format",
    variants=(
        (
            "csv",
            (
                Key("delimiter", DELIMITER, "What separates values.", default=","),
                Key("encoding", Words(ENCODINGS), "How text is stored.", default="utf-8"),
                Key("nulls", ListOf(SOME), "Texts that mean NULL, beside the empty one.", default="none"),
            ),
        ),
        ("jsonl", ()),
        ("parquet", ()),
    ),
    short="path",
)

PAGING = Keys(
    "paging",
    (
        Key(
            "by",
            Words(("next", "cursor", "page")),
            "How the next page is asked for: by the URL in the answer (`next`), by a text in it (`cursor`), "
            "or by its number (`page`), until a page is empty.",
            required=True,
        ),
    ),
    by="by",
    variants=(
        ("next", (Key("path", PATH, "Where the answer holds the next page's URL.", required=True),)),
        (
            "cursor",
            (
                Key("path", PATH, "Where the answer holds the cursor.", required=True),
                Key("parameter", PARAMETER, "The parameter that takes it.", required=True),
            ),
        ),
        (
            "page",
            (
                Key("parameter", PARAMETER, "The parameter that takes the number.", required=True),
                Key("first", Number(least=0), "The number of the first page.", default="1"),
            ),
        ),
    ),
    short="by",
)

HTTP = Keys(
    "http",
    (
        Key("url", URL, "The endpoint, which answers a GET in JSON.", required=True),
        Key(
            "key",
            ListOf(PATH),
            "The fields that tell rows apart: a row with a known key replaces the one before it.",
            required=True,
        ),
        Key("items", PATH, "Where the answer holds the list of rows.", default="the answer is the list"),
        Key("paging", PAGING, "How pages follow each other.", default="there is one page"),
        Key(
            "since",
            PARAMETER,
            "The parameter that asks for what changed since an instant, by the field of `updated`; without "
            "it each run reads everything.",
        ),
        Key(
            "connection",
            CONNECTION,
            "The connection that holds the headers: the variable `DASHPIPE_NAME_HEADERS`, a JSON object.",
            default="no headers",
        ),
        Key(
            "timezone", SOME, "The time zone of times without an offset.", default="such a text is no instant"
        ),
        MAX_BAD,
    ),
    short="url",
)
