"""Months in New York time, written 'YYYY-MM' as in the configuration, the markers and the warehouse."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from typing import Self
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
_PATTERN = re.compile(r"(19|20)\d\d-(0[1-9]|1[0-2])", re.ASCII)
_DAY = dt.timedelta(days=1)

# TLC is the slowest of the publishers: about two months.
_USUAL_DELAY = dt.timedelta(days=92)


class Month(str):
    """A month of the years 1900 to 2099. It is its own text, in SQL, JSON, paths and messages.

    >>> Month("2024-12").next
    '2025-01'
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Check the text.

        Raises:
            ValueError: It is not written YYYY-MM.
        """
        if not _PATTERN.fullmatch(text):
            raise ValueError(f"{text!r} is not a month; write it as 2024-09")
        return super().__new__(cls, text)

    @classmethod
    def or_none(cls, text: str) -> Month | None:
        """The month that a text names; None if it names none."""
        return cls(text) if _PATTERN.fullmatch(text) else None

    @classmethod
    def of(cls, day: dt.date) -> Month:
        """The month that a day is in."""
        return cls(f"{day:%Y-%m}")

    @classmethod
    def between(cls, first: Month, last: Month) -> list[Month]:
        """All months from first to last, both included."""
        return [first.shift(months) for months in range(last.ordinal - first.ordinal + 1)]

    @property
    def year(self) -> int:
        """The year."""
        return int(self[:4])

    @property
    def number(self) -> int:
        """The number in the year, 1 to 12."""
        return int(self[5:])

    @property
    def ordinal(self) -> int:
        """Months since year 0: consecutive months differ by one."""
        return 12 * self.year + self.number - 1

    @property
    def compact(self) -> str:
        """`YYYYMM`, as CitiBike names its files."""
        return self.replace("-", "")

    @property
    def first_day(self) -> dt.date:
        """The first day."""
        return dt.date(self.year, self.number, 1)

    @property
    def last_day(self) -> dt.date:
        """The last day."""
        return self.day_after - _DAY

    @property
    def day_after(self) -> dt.date:
        """The first day that is no longer in the month."""
        return (self.first_day + 31 * _DAY).replace(day=1)

    @property
    def next(self) -> Month:
        """The month after."""
        return self.shift(1)

    @property
    def previous(self) -> Month:
        """The month before."""
        return self.shift(-1)

    def shift(self, months: int) -> Month:
        """The month this many months later, or earlier if the number is negative.

        Raises:
            ValueError: It is before 1900 or after 2099.
        """
        year, before = divmod(self.ordinal + months, 12)
        return Month(f"{year}-{before + 1:02}")

    def may_be_unpublished(self, today: dt.date) -> bool:
        """Whether it may be unpublished: it has not ended, or ended less than three months ago."""
        return today - self.last_day < _USUAL_DELAY


def spans(months: Iterable[Month]) -> list[str]:
    """Months as people list them: `2023-01 to 2023-05`, `2023-07`."""
    runs: list[list[Month]] = []
    for month in sorted(months):
        if runs and month.ordinal == runs[-1][-1].ordinal + 1:
            runs[-1].append(month)
        else:
            runs.append([month])
    return [run[0] if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs]


def utc_hour(day: dt.date) -> dt.datetime:
    """The UTC hour, without a zone, at which a New York day begins."""
    midnight = dt.datetime.combine(day, dt.time(), NEW_YORK)
    return midnight.astimezone(dt.UTC).replace(tzinfo=None)
