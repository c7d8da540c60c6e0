"""Text to tokens."""

from __future__ import annotations

import re
from typing import NamedTuple

from dashpipe.expr.errors import ExpressionError

#: Longest text of an expression, in characters.
LONGEST = 10_000


class Token(NamedTuple):
    """A token: ``kind`` is num, word, quoted, text, op or end; ``text`` as written, ``word`` in capitals."""

    kind: str
    text: str
    start: int
    end: int
    word: str = ""


_TOKEN = re.compile(
    r"""(?P<skip>\s+)
    |(?P<num>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<word>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<quoted>"(?:[^"]|"")*")
    |(?P<text>'(?:[^']|'')*')
    |(?P<op><>|!=|<=|>=|==|[-+*/%=<>(),.])""",
    re.VERBOSE | re.DOTALL,
)

_ODD = re.compile(r"\|\||::|&&|//|<=>|=~|!~|->>?|\*\*|--|/\*|[\s\S]")

#: Longest run of signs that is an operator of some other language though its first sign is one here.
_FOREIGN = ("//", "**", "->", "--", "/*", "<=>", "=~")

#: Operators of MongoDB's query form, by what is written for them.
_MONGO = {
    **dict.fromkeys(("eq", "ne", "gt", "gte", "lt", "lte"), "write = <> > >= < <= between the two values"),
    "in": "write x IN ('a', 'b')",
    "nin": "write x NOT IN ('a', 'b')",
    "and": "write AND",
    "or": "write OR",
    "not": "write NOT",
    "exists": "write x IS NOT NULL",
    "regex": "write LIKE with % and _, or starts_with(x, 'a') or contains(x, 'a')",
}

#: Full-width signs that look like the plain ones.
_WIDE = dict(zip("（），。＝＜＞＋－＊／％；：", "(),.=<>+-*/%;:"))

_HINTS = {
    "||": "write OR; text is joined by concat(a, b)",
    "::": "convert with CAST(x AS INTEGER), or TRY_CAST to get NULL where it fails",
    "&&": "write AND",
    "//": "write floor(a / b)",
    "--": "a comment stands behind # outside the expression; minus a negative is a - (-b)",
    "/*": "a comment stands behind # outside the expression, or in `description:`",
    "<=>": "write a IS NOT DISTINCT FROM b",
    "=~": "write LIKE with % and _, or starts_with(x, 'a') or contains(x, 'a')",
    "!~": "write NOT LIKE with % and _",
    "~": "write LIKE with % and _, or starts_with(x, 'a') or contains(x, 'a')",
    "->": "write a path with dots: teacher.id",
    "->>": "write a path with dots: teacher.id",
    "**": "write power(a, b)",
    "^": "write power(a, b)",
    "$": "write the field's name without $",
    "`": 'a name that needs quotes stands in double quotes: "class-id"',
    "[": "an array has len(x) and list_contains(x, 1); a list of values stands in parentheses: IN (1, 2)",
    "{": "write the value itself; environment values stand outside expressions",
    ";": "an expression is one value: leave the semicolon out",
    "!": "write NOT",
    "?": "write the value itself",
    "@": "write the field's name alone",
    "#": "write the field's name alone",
    ":": "write the field's name alone; text stands in single quotes",
    "&": "write AND",
    "|": "write OR",
    "\\": "in text, a single quote is written twice: 'it''s'",
}


def tokenize(text: str, errors: list[ExpressionError]) -> list[Token]:
    """Split an expression's text into tokens, the last of kind ``end``.

    Signs whose meaning is plain (``&&``, a ``$`` before a name, a semicolon at the end) are read as what
    they mean and noted in ``errors``, so that what follows is read too.

    Raises:
        ExpressionError: A character that no expression has, an open quote, or a text beyond `LONGEST`.
    """
    if len(text) > LONGEST:
        raise ExpressionError(
            f"an expression has at most {LONGEST:,} characters, this has {len(text):,}",
            LONGEST,
            len(text),
            "move parts of it into dimensions",
        )
    tokens: list[Token] = []
    match = _TOKEN.match
    at = 0
    while at < len(text):
        found = match(text, at)
        if found is None:
            at = _recovered(text, at, tokens, errors)
            continue
        kind = str(found.lastgroup)
        end = found.end()
        if kind == "word":
            written = found.group()
            tokens.append(Token(kind, written, at, end, written.upper()))
        elif kind == "op" and text.startswith(_FOREIGN, at):
            raise _odd(text, at)
        elif kind != "skip":
            tokens.append(Token(kind, found.group(), at, end))
            if kind == "num" and end < len(text) and (text[end].isalnum() or text[end] == "_"):
                raise ExpressionError(
                    "a number is followed by letters",
                    at,
                    end + 1,
                    "a name begins with a letter; one that does not stands in double quotes",
                )
        at = end
    tokens.append(Token("end", "", len(text), len(text)))
    return tokens


def _recovered(text: str, at: int, tokens: list[Token], errors: list[ExpressionError]) -> int:
    error = _odd(text, at)
    sign = text[at : error.end]
    value_before = bool(tokens) and (tokens[-1].text == ")" or tokens[-1].kind != "op")
    if sign == "&&":
        tokens.append(Token("word", sign, at, at + 2, "AND"))
    elif sign == "$":
        operator = re.compile(r"\$([A-Za-z]+)").match(text, at)
        if operator is None or (value_before and tokens[-1].word not in ("AND", "OR", "NOT")):
            help = _MONGO.get(operator[1] if operator else "", error.help)
            raise ExpressionError(error.message, at, at + 1, help)
    elif sign != ";" or text[at + 1 :].strip():
        raise error
    errors.append(error)
    return error.end


def _odd(text: str, at: int) -> ExpressionError:
    char = text[at]
    if char in "'\"":
        return ExpressionError("a quote is opened and not closed", at, len(text), f"end it with {char}")
    if char in "‘’‚‛“”„‟":
        return ExpressionError(
            "a curly quote", at, at + 1, "text stands in straight single quotes: 'completed'"
        )
    if char in _WIDE:
        hint = f"write {_WIDE[char]}: signs are typed on a Latin keyboard"
        return ExpressionError(f"{char} is no {_WIDE[char]}", at, at + 1, hint)
    found = _ODD.match(text, at)
    word = found.group() if found else char
    if word not in _HINTS and char.isalpha():
        hint = f'a name with such letters stands in double quotes: "{char}…"'
        return ExpressionError(f"{char} is no letter of a plain name", at, at + 1, hint)
    hint = _HINTS.get(word, "write a name, a number or text in single quotes")
    return ExpressionError(f"{word} is not part of the expression language", at, at + len(word), hint)
