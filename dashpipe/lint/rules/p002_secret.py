"""A password in a spec."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View


#: What looks like a secret: a URI with a password, well-known tokens, a private key.
_SECRETS = (
    ("a URI with a password", re.compile(r"[a-z][a-z0-9+.-]*://[^\s/:@]+:[^\s/@]+@", re.IGNORECASE)),
    (
        "a database URI",
        re.compile(r"\b(?:mongodb(?:\+srv)?|postgres(?:ql)?|mysql|redis)://\S", re.IGNORECASE),
    ),
    (
        "an access key",
        re.compile(
            r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}|\bxox[abpr]-[A-Za-z0-9-]{10,}"
        ),
    ),
    ("a private key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")),
)


#: Each of the patterns needs one of these: files without any are not searched.
_SIGNS = ("://", "AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "xox", "PRIVATE KEY")


def check(view: View) -> Iterator[Problem]:
    """No text of a spec looks like a secret. The text itself is never repeated."""
    for text, at in view.texts(_SIGNS):
        for what, pattern in _SECRETS:
            if pattern.search(text):
                yield Problem(
                    at,
                    f"this looks like {what}",
                    "take it out, change it where it is used (it is in the history now), and write the "
                    "name of a connection: "
                    "its URI belongs in an Airflow Connection or in DASHPIPE_<NAME>_URI",
                )
                break


RULE = Rule(
    code="P002",
    name="secret",
    severity=Severity.ERROR,
    what="A spec holds what looks like a password, a token or a database URI.",
    why="Specs are read by many and kept in the history for ever. Connections are named, never written out.",
    bad="description: reads mongodb://reader:s3cret@db.example.com/shop",
    good="description: reads the shop's orders",
    whole=check,
)
