"""Cron expressions: five fields or a preset, read by hand so that a mistake is shown at its own column."""

from __future__ import annotations

from typing import NamedTuple

#: Presets and the five fields that they stand for.
PRESETS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@quarterly": "0 0 1 */3 *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
#: A field's name, lowest and highest value, and the names that its values may have.
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of month", 1, 31, {}),
    ("month", 1, 12, {name: index + 1 for index, name in enumerate(_MONTHS)}),
    ("day of week", 0, 7, {name: index for index, name in enumerate(_WEEKDAYS)}),
)
_LONGEST = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class CronError(ValueError):
    """A cron expression that cannot be read: which part of the text, why, and what to write.

    Attributes:
        start: Offset of the wrong part.
        end: Its end, exclusive.
        help: What to write instead.
    """

    def __init__(self, message: str, start: int, end: int, help: str) -> None:
        super().__init__(message)
        self.start, self.end, self.help = start, end, help


class Cron(NamedTuple):
    """The values of each field at which it fires; weekdays count from Sunday = 0.

    ``either_day`` tells that day of month and day of week are both limited: cron then fires on days that
    match either.
    """

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool

    @property
    def times_a_day(self) -> int:
        """How often it fires on a day on which it fires."""
        return len(self.minutes) * len(self.hours)


def parse(text: str) -> Cron:
    """Read a cron expression or a preset.

    Args:
        text: The text as it stands in the spec, without ``none``.

    Raises:
        CronError: It is no cron expression, or one that never fires.
    """
    if text.startswith("@"):
        if text not in PRESETS:
            known = ", ".join(PRESETS)
            raise CronError(
                f"there is no preset {text}", 0, len(text), f"write one of {known}, or five fields"
            )
        text = PRESETS[text]
    words = _words(text)
    if len(words) != 5:
        names = ", ".join(name for name, *_ in _FIELDS)
        help = f'write five fields ({names}), such as "15 2 * * *" for 02:15 every day'
        raise CronError(
            f"a cron expression has five fields, this has {len(words)}", 0, max(1, len(text)), help
        )
    sets = [_field(word, start, *about) for (word, start), about in zip(words, _FIELDS, strict=True)]
    minutes, hours, days, months, weekdays = sets
    weekdays = frozenset(one % 7 for one in weekdays)
    either = not words[2][0].startswith("*") and not words[4][0].startswith("*")
    if not either and min(days) > max(_LONGEST[month] for month in months):
        start = words[2][1]
        raise CronError(
            f"this never fires: no such month has a day {min(days)}",
            start,
            words[3][1] + len(words[3][0]),
            "write a day of month that the months have",
        )
    return Cron(minutes, hours, days, months, weekdays, either)


def _words(text: str) -> list[tuple[str, int]]:
    words, at = [], 0
    for word in text.split():
        at = text.index(word, at)
        words.append((word, at))
        at += len(word)
    return words


def _field(word: str, start: int, name: str, low: int, high: int, names: dict[str, int]) -> frozenset[int]:
    values: set[int] = set()
    at = start
    for part in word.split(","):
        values.update(_part(part, at, name, low, high, names))
        at += len(part) + 1
    return frozenset(values)


def _part(part: str, at: int, name: str, low: int, high: int, names: dict[str, int]) -> range:
    end = at + max(1, len(part))
    body, slash, step_text = part.partition("/")
    legal = f"{low} to {high}" + (f" or {next(iter(names))} to {list(names)[-1]}" if names else "")
    help = f"write *, a number from {legal}, a range such as {low}-{low + 4}, a list with commas, or */5"

    def number(text: str) -> int:
        value = names.get(text.lower(), int(text) if text.isascii() and text.isdigit() else None)
        if value is None:
            raise CronError(f"`{part}` is no {name}", at, end, help)
        if not low <= value <= high:
            raise CronError(
                f"{value} is out of range for the {name}", at, end, f"write a number from {legal}"
            )
        return value

    step = 1
    if slash:
        if not (step_text.isascii() and step_text.isdigit()) or int(step_text) == 0:
            raise CronError(
                f"`{part}` has no step after the /", at, end, "write a step of 1 or more, such as */5"
            )
        step = int(step_text)
        if step > high - low + 1:
            raise CronError(
                f"a step of {step} is longer than the {name} goes",
                at,
                end,
                f"write a step up to {high - low + 1}",
            )
    if body == "*":
        # */n counts through the field's own values: Sunday is 0, so 7 is not counted again.
        return range(low, min(high, 6) + 1 if name == "day of week" else high + 1, step)
    first, dash, last = body.partition("-")
    bottom = number(first)
    if not dash:
        if slash:
            return range(bottom, high + 1, step)
        return range(bottom, bottom + 1)
    top = number(last)
    if top < bottom:
        raise CronError(f"the range {body} runs backwards", at, end, "write the lower value first")
    return range(bottom, top + 1, step)
