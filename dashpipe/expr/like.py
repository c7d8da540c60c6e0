"""LIKE patterns: what is literal, what is any text, what is any one character."""

from __future__ import annotations

import re
from typing import NamedTuple


class Pattern(NamedTuple):
    """A pattern as parts: text to be met, ``%`` as ``None``, ``_`` as how many stand together."""

    parts: tuple[str | int | None, ...]

    @staticmethod
    def read(text: str, escape: str | None) -> Pattern:
        """Read a pattern.

        Raises:
            ValueError: The escape character stands last.
        """
        parts: list[str | int | None] = []
        signs = iter(text)
        for one in signs:
            if one == escape:
                following = next(signs, None)
                if following is None:
                    raise ValueError("nothing follows the escape character")
                _literal(parts, following)
            elif one == "%":
                if not parts or parts[-1] is not None:
                    parts.append(None)
            elif one == "_":
                if parts and isinstance(parts[-1], int):
                    parts[-1] += 1
                else:
                    parts.append(1)
            else:
                _literal(parts, one)
        return Pattern(tuple(parts))

    @property
    def exact(self) -> str | None:
        """The one text that matches, if there is only one."""
        return self._only("")

    @property
    def prefix(self) -> str | None:
        """The text that every match begins with and that is all there is to it: ``abc%``."""
        return self._only("p")

    @property
    def suffix(self) -> str | None:
        """The text that every match ends with and that is all there is to it: ``%abc``."""
        return self._only("s")

    @property
    def inner(self) -> str | None:
        """The text that every match contains and that is all there is to it: ``%abc%``."""
        return self._only("ps")

    @property
    def start(self) -> str:
        """The text that every match begins with."""
        return self.parts[0] if self.parts and isinstance(self.parts[0], str) else ""

    def _only(self, form: str) -> str | None:
        parts = list(self.parts)
        if "p" in form and (not parts or parts.pop() is not None):
            return None
        if "s" in form and (not parts or parts.pop(0) is not None):
            return None
        if len(parts) > 1 or not all(isinstance(one, str) for one in parts):
            return None
        return str(parts[0]) if parts else ""

    def regex(self) -> str:
        """The pattern as a regular expression (the dot takes line ends), for the text with ``|`` behind it.

        The sign at the end keeps ``$`` from matching before a line end that is the text's last character.
        """
        made = (
            ".*" if one is None else "." * one if isinstance(one, int) else escaped(one) for one in self.parts
        )
        return f"^{''.join(made)}\\|$"


def _literal(parts: list[str | int | None], one: str) -> None:
    if parts and isinstance(parts[-1], str):
        parts[-1] += one
    else:
        parts.append(one)


def escaped(text: str) -> str:
    """Text as a regular expression that every engine reads the same."""
    return re.sub(r"([\\^$.|?*+()\[\]{}])", r"\\\1", text)
