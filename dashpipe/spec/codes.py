"""The findings of reading a file, families Y (YAML) and S (shape): code, name and severity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.spec.diagnostic import Diagnostic, Fix, Related, Severity, Span

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Code → name and severity. `dashpipe/lint/rules/` documents each under the same code.
CODES: dict[str, tuple[str, Severity]] = {
    "Y001": ("syntax", Severity.ERROR),
    "Y002": ("needs-quotes", Severity.ERROR),
    "Y003": ("colon-in-text", Severity.ERROR),
    "Y004": ("tab-as-indent", Severity.ERROR),
    "Y005": ("not-closed", Severity.ERROR),
    "Y006": ("bad-indent", Severity.ERROR),
    "Y007": ("blank-missing", Severity.ERROR),
    "Y008": ("bad-escape", Severity.ERROR),
    "Y009": ("key-twice", Severity.ERROR),
    "Y010": ("tag", Severity.ERROR),
    "Y011": ("anchor-or-alias", Severity.ERROR),
    "Y012": ("key-not-text", Severity.ERROR),
    "Y013": ("two-documents", Severity.ERROR),
    "Y014": ("hash-in-value", Severity.ERROR),
    "Y015": ("no-value", Severity.ERROR),
    "Y016": ("curly-quotes", Severity.ERROR),
    "Y017": ("bad-character", Severity.ERROR),
    "Y018": ("too-big", Severity.ERROR),
    "Y019": ("number-out-of-reach", Severity.ERROR),
    "S101": ("unknown-key", Severity.ERROR),
    "S102": ("missing-key", Severity.ERROR),
    "S103": ("wrong-kind", Severity.ERROR),
    "S104": ("unknown-value", Severity.ERROR),
    "S105": ("bad-name", Severity.ERROR),
    "S106": ("out-of-range", Severity.ERROR),
    "S107": ("key-of-another-type", Severity.ERROR),
    "S108": ("not-in-this-version", Severity.ERROR),
    "S109": ("bad-text", Severity.ERROR),
    "S110": ("empty", Severity.ERROR),
    "S111": ("file-kind", Severity.ERROR),
}


def finding(
    code: str,
    message: str,
    file: str,
    span: Span,
    help: str = "",
    *,
    path: tuple[str | int, ...] = (),
    related: Sequence[Related] = (),
    fix: Fix | None = None,
) -> Diagnostic:
    """A finding of family Y or S, with the name and severity of its code."""
    name, severity = CODES[code]
    return Diagnostic(code, name, severity, message, file, span, path, tuple(related), help, fix)
