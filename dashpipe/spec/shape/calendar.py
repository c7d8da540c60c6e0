"""The keys of a calendar file, and of a subject's ``calendar``."""

from __future__ import annotations

from dashpipe.spec.shape.kinds import Cases, Key, Keys, ListOf, Number, Text, Words
from dashpipe.spec.shape.texts import NAME, PLAIN

_DAY = Text("a date", least=1, help="write a day as YYYY-MM-DD", examples=("2024-02-04",))
_FILE = Text(
    "the name of a file",
    least=1,
    help="write its name below the folder of the specs",
    examples=("calendars/retail.yml",),
)

#: Weeks of the three months of a quarter.
PATTERNS = ("4-4-5", "4-5-4", "5-4-4")

_ONE = "keep one of the two: a fiscal year begins with a month of the calendar, or as a calendar file says"

CALENDAR = Cases(
    "file",
    "fiscal_first_month",
    Keys(
        "calendar",
        (Key("file", _FILE, "A calendar file, below the folder of the specs.", required=True),),
        short="file",
    ),
    Keys(
        "calendar",
        (
            Key(
                "fiscal_first_month",
                Number(least=1, most=12, help="write the number of a month: July is 7"),
                "The month that a fiscal year begins with, 1 to 12; or `file`, for other years.",
                required=True,
            ),
        ),
        foreign=(("file", _ONE),),
    ),
)

_HEAD = (
    Key("dashpipe", Words((1,)), "The version of the spec language.", required=True),
    Key("calendar", NAME, "The calendar's name.", required=True),
    Key(
        "version",
        Number(least=1, help="write 1, and the next whole number with each change"),
        "Which edition of the calendar this is, for people.",
        default="1",
    ),
    Key("description", PLAIN, "Whose calendar it is, and where its dates come from.", default="empty"),
)
_LAST = Key("last_day", _DAY, "The last day of the last year.", required=True)

#: A calendar file: the first days of its months, or the first days of its years and how they are parted.
CALENDAR_FILE = Cases(
    "months",
    "years",
    Keys(
        "calendar",
        (
            *_HEAD,
            Key(
                "months",
                ListOf(_DAY),
                "The first day of each fiscal month, in order, twelve a year; or `years` with a `pattern`.",
                required=True,
            ),
            _LAST,
        ),
        foreign=(
            ("pattern", "it parts `years`: with `months` each month begins on the day that stands there"),
            ("week_53", "it parts `years`: with `months` each month begins on the day that stands there"),
        ),
    ),
    Keys(
        "calendar",
        (
            *_HEAD,
            Key("years", ListOf(_DAY), "The first day of each fiscal year, in order.", required=True),
            Key("pattern", Words(PATTERNS), "The weeks of the three months of a quarter.", required=True),
            Key(
                "week_53",
                Number(least=1, most=12, help="write the number of a fiscal month: the last one is 12"),
                "The fiscal month, 1 to 12, that takes the last week of a year of 53.",
                default="12",
            ),
            _LAST,
        ),
        foreign=(("months", "keep one of the two: `months`, or `years` with a `pattern`"),),
    ),
)
