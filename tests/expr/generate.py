"""Random expressions of a wanted type, as dashpipe and DuckDB read them.

The text is the same but for point literals beside doubles: DuckDB reads them as decimals without an exponent.
"""

from __future__ import annotations

import random

from dashpipe.expr import FieldType
from tests.expr.world import FIELDS

F = FieldType
Both = tuple[str, str]


def _fill(form: str, *parts: Both) -> Both:
    return form.format(*(one[0] for one in parts)), form.format(*(one[1] for one in parts))


def _same(text: str) -> Both:
    return text, text


class Generator:
    """Draws expressions; what fails a whole query in DuckDB (roots of negatives, overflow) is kept out."""

    def __init__(self, random_: random.Random) -> None:
        self.r = random_

    def any(self) -> tuple[Both, FieldType]:
        """An expression of any type."""
        type_ = self.r.choice(
            [F.INTEGER, F.NUMBER, F.NUMBER, F.DECIMAL, F.STRING, F.BOOLEAN, F.BOOLEAN, F.BOOLEAN, F.DATE]
        )
        return self.of(type_, self.r.choice([1, 2, 2, 3])), type_

    def of(self, type_: FieldType, depth: int) -> Both:
        """An expression of a type."""
        if depth <= 0 or self.r.random() < 0.1:
            return self.leaf(type_)
        if type_ is not F.DECIMAL and self.r.random() < 0.15:
            return self.shared(type_, depth - 1)
        make = {
            F.INTEGER: self.integer,
            F.NUMBER: self.number,
            F.DECIMAL: self.decimal,
            F.STRING: self.text,
            F.BOOLEAN: self.boolean,
            F.DATE: self.date,
        }
        return make[type_](depth - 1)

    def field(self, type_: FieldType) -> Both:
        return _same(self.r.choice([name for name, one in FIELDS.items() if one is type_]))

    def leaf(self, type_: FieldType) -> Both:
        r = self.r
        if r.random() < 0.7:
            return self.field(type_)
        if type_ is F.INTEGER:
            return _same(r.choice(["0", "1", "2", "7", "60", "-3"]))
        if type_ is F.NUMBER:
            text = r.choice(["0.5", "1.5", "0.05", "60.0", "2e0", "-2.5"])
            return text, text if "e" in text else f"{text}e0"
        if type_ is F.DECIMAL:
            return self.field(type_)
        if type_ is F.STRING:
            return _same(r.choice(["''", "'a'", "'abc'", "'ABC'", "'Ünï'", "'a%b'", "'it''s'", "'$a'"]))
        if type_ is F.BOOLEAN:
            return _same(r.choice(["TRUE", "FALSE"]))
        text = r.choice(["DATE '2024-03-10'", "TIMESTAMPTZ '2024-11-03 06:30:00Z'", "DATE '2021-01-01'"])
        return text, f"CAST({text} AS TIMESTAMPTZ)"

    def shared(self, type_: FieldType, depth: int) -> Both:
        """What every type has: CASE, COALESCE, NULLIF, the greatest and the least."""
        r = self.r
        one, two = self.of(type_, depth), self.of(type_, depth)
        form = r.choice(["case", "case", "else", "switch", "coalesce", "nullif", "greatest", "least"])
        if form == "case":
            return _fill("CASE WHEN {} THEN {} END", self.of(F.BOOLEAN, depth), one)
        if form == "else":
            tests = self.of(F.BOOLEAN, depth), one, self.of(F.BOOLEAN, depth), two, self.of(type_, depth)
            return _fill("CASE WHEN {} THEN {} WHEN {} THEN {} ELSE {} END", *tests)
        if form == "switch":
            kind = r.choice([F.INTEGER, F.STRING])
            return _fill("CASE {} WHEN {} THEN {} ELSE {} END", self.field(kind), self.leaf(kind), one, two)
        return _fill(f"{form}({{}}, {{}})", one, two)

    def integer(self, depth: int) -> Both:
        r = self.r
        form = r.choice(
            [
                "({} + {})",
                "({} - {})",
                "({} % {})",
                "-({})",
                "abs({})",
                "sign(N)",
                "length(T)",
                "len(A)",
                "round({})",
                "part",
                "diff",
                "sub",
                "({} * 3)",
                "CAST(N AS BIGINT)",
                "CAST(D AS INTEGER)",
                "CAST(B AS INTEGER)",
                "TRY_CAST(t1 AS BIGINT)",
                "round({}, -1)",
                "mod({}, 7)",
                "(7 + 3 * {})",
            ]
        )
        if form == "part":
            name = r.choice(
                [
                    "year",
                    "quarter",
                    "month",
                    "day",
                    "hour",
                    "minute",
                    "second",
                    "dayofweek",
                    "isodow",
                    "dayofyear",
                    "week",
                    "isoyear",
                ]
            )
            return _fill(f"{name}({{}})", self.of(F.DATE, depth))
        if form in ("diff", "sub"):
            parts = "second minute day month quarter year" if form == "diff" else "second minute hour"
            part = r.choice(parts.split())
            return _fill(f"date_{form}('{part}', {{}}, {{}})", self.of(F.DATE, depth), self.of(F.DATE, depth))
        for sign, type_ in (("N", F.NUMBER), ("D", F.DECIMAL), ("B", F.BOOLEAN), ("T", F.STRING)):
            if f"({sign}" in form:
                return _fill(form.replace(f"({sign}", "({}"), self.of(type_, depth))
        if (
            form == "len(A)" or "t1" in form
        ):  # text that is nearly a number is left to the edges: DuckDB reads '- ' as 0
            return _same("len(a1)" if form == "len(A)" else form)
        return _fill(form, *(self.of(F.INTEGER, depth) for _ in range(form.count("{}"))))

    def number(self, depth: int) -> Both:
        r = self.r
        form = r.choice(
            [
                "({} + {})",
                "({} - {})",
                "({} * {})",
                "({} / {})",
                "({} % {})",
                "-({})",
                "abs({})",
                "round({})",
                "round({}, 2)",
                "round({}, -1)",
                "floor({})",
                "ceil({})",
                "sqrt(abs({}))",
                "ln(abs({}) + 1e0)",
                "log10(abs({}) + 1e0)",
                "exp(least({}, 5e0))",
                "power(abs({}) + 1e0, 0.5e0)",
                "I / I",
                "floor(I)",
                "({} + I)",
                "(I * {})",
                "CAST(I AS DOUBLE)",
                "TRY_CAST(t2 AS DOUBLE)",
                "CAST(D AS DOUBLE)",
            ]
        )
        if "t2" in form:
            return _same(form)
        if "D AS" in form:
            return _fill(form.replace("D AS", "{} AS"), self.of(F.DECIMAL, depth))
        parts = [self.of(F.INTEGER if sign == "I" else F.NUMBER, depth) for sign in _slots(form)]
        return _fill(_sloted(form), *parts)

    def decimal(self, depth: int) -> Both:
        form = self.r.choice(
            [
                "({} + {})",
                "({} - {})",
                "({} * 2)",
                "({} + 0.05)",
                "-({})",
                "abs({})",
                "round({}, 1)",
                "round({})",
                "floor({})",
                "ceil({})",
                "(d1 * d2)",
                "CAST(i1 AS DECIMAL(12, 2))",
                "CAST(d1 AS DECIMAL(12, 1))",
                "CAST(n1 AS DECIMAL(12, 2))",
                "coalesce({}, 0.5)",
                "(d1 * (1 - 0.25))",
                "(d1 % 7)",
            ]
        )
        shallow = min(depth, 1)
        return _fill(form, *(self.of(F.DECIMAL, shallow) for _ in range(form.count("{}"))))

    def text(self, depth: int) -> Both:
        r = self.r
        form = r.choice(
            [
                "trim({})",
                "ltrim({}, 'a ')",
                "rtrim({})",
                "concat({}, {})",
                "concat({}, '-', {})",
                "substring({}, 2)",
                "substring({}, 2, 2)",
                "left({}, 2)",
                "right({}, 2)",
                "replace({}, 'a', {})",
                "strftime(W, '%Y-%m-%d %H:%M:%S')",
                "strftime(W, '%G-W%V-%u %j %%')",
                "CAST(I AS VARCHAR)",
                "CAST(B AS VARCHAR)",
                "lower(ascii)",
                "upper(ascii)",
            ]
        )
        if "ascii" in form:
            return _fill(
                form.replace("ascii", "{}"),
                _fill("replace(replace({}, 'Ünï', 'x'), 'cödé', 'y')", self.field(F.STRING)),
            )
        for sign, type_ in (("W", F.DATE), ("I", F.INTEGER), ("B", F.BOOLEAN)):
            if f"({sign}" in form:
                return _fill(form.replace(f"({sign}", "({}"), self.of(type_, depth))
        return _fill(form, *(self.of(F.STRING, depth) for _ in range(form.count("{}"))))

    def date(self, depth: int) -> Both:
        part = self.r.choice(["day", "week", "month", "quarter", "year"])
        form = self.r.choice([f"date_trunc('{part}', {{}})", "CAST({} AS DATE)"])
        made = _fill(form, self.field(F.DATE) if depth < 1 else self.of(F.DATE, 0))
        return made[0], made[1].replace("AS DATE)", "AS DATE)::TIMESTAMPTZ")

    def boolean(self, depth: int) -> Both:
        r = self.r
        form = r.choice(
            [
                "{} AND {}",
                "{} OR {}",
                "NOT ({})",
                "({}) IS NULL",
                "({}) IS NOT TRUE",
                "cmp",
                "cmp",
                "cmp",
                "cmp",
                "null",
                "in",
                "in",
                "between",
                "like",
                "like",
                "distinct",
                "list",
                "fn",
            ]
        )
        if "{}" in form:
            count = form.count("{}")
            made = _fill(form, *(self.of(F.BOOLEAN, depth) for _ in range(count)))
            return f"({made[0]})", f"({made[1]})"
        type_ = r.choice([F.INTEGER, F.NUMBER, F.NUMBER, F.STRING, F.STRING, F.DATE, F.DECIMAL, F.BOOLEAN])
        one, two = self.of(type_, depth), self.of(type_, depth)
        other = self.of(F.INTEGER, depth) if type_ is F.NUMBER and r.random() < 0.3 else two
        if form == "cmp":
            return _fill(f"({{}} {r.choice(['=', '<>', '<', '<=', '>', '>='])} {{}})", one, other)
        if form == "null":
            return _fill(r.choice(["({} IS NULL)", "({} IS NOT NULL)"]), one)
        if form == "in":
            tail = ", NULL" if r.random() < 0.2 else ""
            negated = r.choice(["", "NOT "])
            return _fill(f"({{}} {negated}IN ({{}}, {{}}{tail}))", one, self.leaf(type_), self.leaf(type_))
        if form == "between":
            negated = r.choice(["", "NOT "])
            return _fill(f"({{}} {negated}BETWEEN {{}} AND {{}})", one, two, self.leaf(type_))
        if form == "distinct":
            return _fill(f"({{}} IS {r.choice(['', 'NOT '])}DISTINCT FROM {{}})", one, two)
        if form == "list":
            return _fill("list_contains(a1, {})", self.of(F.STRING, min(depth, 1)))
        if form == "like":
            pattern = r.choice(
                ["a%", "%a", "%a%", "abc", "a_c", "%", "_", "", "a%b%", "%b_", "__%", "a!%b%", "%ü%", "A%c"]
            )
            escape = " ESCAPE '!'" if "!" in pattern else ""
            return _fill(f"({{}} {r.choice(['', 'NOT '])}LIKE '{pattern}'{escape})", self.of(F.STRING, depth))
        name = r.choice(["starts_with", "ends_with", "contains"])
        return _fill(f"{name}({{}}, {{}})", self.of(F.STRING, depth), self.of(F.STRING, min(depth, 1)))


def _slots(form: str) -> list[str]:
    found = []
    for at, one in enumerate(form):
        if one == "{":
            found.append("{")
        elif one == "I" and not form[at - 1 : at].isalpha() and not form[at + 1 : at + 2].isalpha():
            found.append("I")
    return found


def _sloted(form: str) -> str:
    return "".join(
        "{}"
        if one == "I" and not form[at - 1 : at].isalpha() and not form[at + 1 : at + 2].isalpha()
        else one
        for at, one in enumerate(form)
    )
