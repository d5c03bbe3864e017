"""Months in New York time, written 'YYYY-MM' as in the configuration, the markers and the warehouse."""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Iterable
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
_PATTERN = re.compile(r"(19|20)\d\d-(0[1-9]|1[0-2])")

# TLC is the slowest of the publishers: about two months.
_USUAL_DELAY = dt.timedelta(days=92)


def is_month(text: str) -> bool:
    """Whether the text is a month, 'YYYY-MM'."""
    return _PATTERN.fullmatch(text) is not None


def first_day(month: str) -> dt.date:
    """The month's first day."""
    return dt.date.fromisoformat(f"{month}-01")


@functools.cache
def next_month(month: str) -> str:
    """The month after."""
    return (first_day(month) + dt.timedelta(days=31)).strftime("%Y-%m")


def last_day(month: str) -> dt.date:
    """The month's last day."""
    return first_day(next_month(month)) - dt.timedelta(days=1)


def months_between(first: str, last: str) -> list[str]:
    """All months from first to last, both included."""
    months = []
    while first <= last:
        months.append(first)
        first = next_month(first)
    return months


def in_words(months: Iterable[str]) -> str:
    """Months as people list them: `2023-01 to 2023-05, 2023-07`."""
    runs: list[list[str]] = []
    for month in sorted(months):
        if runs and next_month(runs[-1][-1]) == month:
            runs[-1].append(month)
        else:
            runs.append([month])
    return ", ".join(run[0] if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs)


def may_be_unpublished(month: str, today: dt.date) -> bool:
    """Whether the month may be unpublished: it has not ended, or ended less than three months ago."""
    return today - last_day(month) < _USUAL_DELAY


def utc_hour(day: dt.date) -> dt.datetime:
    """The UTC hour, without a zone, at which a New York day begins."""
    midnight = dt.datetime.combine(day, dt.time(), NEW_YORK)
    return midnight.astimezone(dt.UTC).replace(tzinfo=None)
