"""The fenced examples of the project's pages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "docs" / "metrics").glob("*.md"),
    ]
)

_FENCE = re.compile(r"^```([a-z]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"^# (?:file: )?(\S+\.(?:yml|toml))\b", re.MULTILINE)
_FINDING = re.compile(r"^# finding: (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Fence:
    """One example: its page, line, language and text."""

    page: str
    line: int
    language: str
    text: str

    @property
    def file(self) -> str | None:
        """The file that its first lines name."""
        found = _FILE.search("\n".join(self.text.splitlines()[:2]))
        return found[1] if found else None

    @property
    def finding(self) -> str | None:
        """The code of the finding that it must give."""
        found = _FINDING.search(self.text)
        return found[1] if found else None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def fences(page: Path) -> list[Fence]:
    """The examples of a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Fence(
            page.relative_to(ROOT).as_posix(),
            text[: found.start()].count("\n") + 1,
            found[1],
            found[2],
        )
        for found in _FENCE.finditer(text)
    ]


def all_fences(*languages: str) -> list[Fence]:
    """The examples of every page in some languages."""
    return [one for page in PAGES for one in fences(page) if one.language in languages]
