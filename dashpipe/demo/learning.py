"""A generated online-learning platform, with the faults of real data.

Lessons, reviews, enrolments and teachers; rows that are late, null, mistyped, untimed, or there twice.

The same seed, days, rows and end give the same documents, on every Python. No one in it exists.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bson.decimal128 import Decimal128

Document = dict[str, Any]

COURSES = ("algebra", "chemistry", "french", "guitar", "mandarin", "python", "statistics", "writing")
COUNTRIES = ("CN", "DE", "ES", "FR", "GB", "IN", "KE", "MX", "US")
TEACHERS = 40
STUDENTS = 400

#: One row in so many has the fault.
DUPLICATE = 97
LATE = 53
MISTYPED = 211
UNTIMED = 2503  # 0.04 %, below what a source lets pass


@dataclass(frozen=True, slots=True)
class Platform:
    """The documents of the platform, by collection."""

    teachers: list[Document]
    lessons: list[Document]
    reviews: list[Document]
    enrolments: list[Document]

    def collections(self) -> dict[str, list[Document]]:
        """Name of collection → its documents."""
        return {
            "teachers": self.teachers,
            "lessons": self.lessons,
            "reviews": self.reviews,
            "enrolments": self.enrolments,
        }


def platform(*, seed: int = 1, days: int = 240, rows: int = 20_000, end: datetime) -> Platform:
    """Make the platform's documents.

    Args:
        seed: Another seed, another platform.
        days: Days before ``end`` it spreads over. 220 and more have a clock change of most zones.
        rows: Lessons, the duplicates beside; a quarter as many reviews, an eighth as many enrolments.
        end: The aware instant before which everything happened.

    Raises:
        ValueError: ``end`` has no time zone, or there is less than one day or row.
    """
    if end.tzinfo is None:
        raise ValueError("`end` needs a time zone")
    if days < 1 or rows < 1:
        raise ValueError("`days` and `rows` are 1 or more")
    source = random.Random(seed)  # noqa: S311 - the same numbers again is the point
    maker = _Maker(source, days, end.replace(microsecond=0))
    return Platform(
        teachers=list(maker.teachers()),
        lessons=list(maker.lessons(rows)),
        reviews=list(maker.reviews(max(1, rows // 4))),
        enrolments=list(maker.enrolments(max(1, rows // 8))),
    )


class _Maker:
    """Draws with ``random()`` alone, whose numbers are the same on every Python."""

    def __init__(self, source: random.Random, days: int, end: datetime) -> None:
        self._random = source.random
        self._seconds = days * 86_400
        self._end = end

    def teachers(self) -> Iterator[Document]:
        # The last one has left: lessons name a teacher whom a lookup does not find.
        for number in range(1, TEACHERS):
            country = self._one_of(COUNTRIES)
            yield {"_id": _teacher(number), "country": country if number % 13 else None}

    def lessons(self, rows: int) -> Iterator[Document]:
        for number in range(1, rows + 1):
            lesson = self._lesson(number)
            yield lesson
            if number % DUPLICATE == 0:  # sent twice by the app, under another _id
                again = lesson["modified_at"] + timedelta(seconds=30)
                yield {**lesson, "_id": f"{lesson['_id']}-again", "modified_at": min(again, self._end)}

    def _lesson(self, number: int) -> Document:
        ended = self._instant()
        # Most are stored within minutes; some devices were offline for days.
        delay = self._below(9 * 86_400) if number % LATE == 0 else self._below(600)
        status = "completed" if self._random() < 0.9 else self._one_of(("cancelled", "missed"))
        course = self._one_of(COURSES)
        lesson: Document = {
            "_id": f"lesson-{number:07d}",
            "lesson_no": number,
            "ended_at": ended,
            "modified_at": min(ended + timedelta(seconds=delay), self._end),
            "status": status,
            "duration_s": 900 + 60 * self._below(76),
            "teacher": {"id": _teacher(1 + self._skewed(TEACHERS))},
            "course": {"slug": course, "level": 1 + self._below(3)},
            "student_id": f"s{1 + self._skewed(STUDENTS):05d}",
        }
        if status == "completed":
            lesson |= self._score(number)
        return self._fault(lesson, number)

    def _score(self, number: int) -> Document:
        if number % 7 == 0:
            return {}  # a lesson without a test
        if number % 11 == 0:
            return {"score": None}  # the test was not handed in
        value = self._below(101)
        return {"score": value if number % 2 else value + 0.5 * self._below(2)}

    def _fault(self, lesson: Document, number: int) -> Document:
        kind = number % MISTYPED
        if kind == 0:
            lesson["duration_s"] = f"{lesson['duration_s']}"
        elif kind == 50:
            lesson["student_id"] = number
        elif kind == 100:
            lesson["teacher"] = {}
        elif kind == 150:
            lesson["duration_s"] = None
        elif kind == 200:
            lesson["duration_s"] = float("nan")
        if number % UNTIMED == 0:
            lesson["ended_at"] = lesson["ended_at"].isoformat()
        return lesson

    def reviews(self, rows: int) -> Iterator[Document]:
        for number in range(1, rows + 1):
            stars: Any = 5 - self._skewed(5)
            if number % MISTYPED == 0:
                stars = f"{stars}"
            elif number % 29 == 0:
                stars = None
            yield {
                "_id": f"review-{number:07d}",
                "created_at": self._instant(),
                "teacher_ref": _teacher(1 + self._skewed(TEACHERS)),
                "course_slug": self._one_of(COURSES),
                "stars": stars,
            }

    def enrolments(self, rows: int) -> Iterator[Document]:
        for number in range(1, rows + 1):
            yield {
                "_id": f"enrolment-{number:07d}",
                "enrolled_at": self._instant(),
                "student_id": f"s{1 + self._skewed(STUDENTS):05d}",
                "course": {"slug": self._one_of(COURSES)},
                "paid": Decimal128(f"{20 + self._below(180)}.{self._below(100):02d}"),
            }

    def _instant(self) -> datetime:
        return self._end - timedelta(
            seconds=1 + self._below(self._seconds - 1), milliseconds=self._below(1000)
        )

    def _below(self, limit: int) -> int:
        return int(self._random() * limit)

    def _skewed(self, limit: int) -> int:
        # Few have much, many have little.
        return int(self._random() ** 2 * limit)

    def _one_of(self, values: tuple[str, ...]) -> str:
        return values[self._below(len(values))]


def _teacher(number: int) -> str:
    return f"t{number:03d}"
