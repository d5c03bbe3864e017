"""New York wall time and random streams, which all parts of the sample share."""

from __future__ import annotations

import datetime as dt
import zlib

import numpy as np
import numpy.typing as npt

from luigi_pipeline.core.months import NEW_YORK, Month

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

HOUR_SECONDS = 3600
DAY_SECONDS = 86_400


def start_utc(month: Month) -> int:
    """Epoch seconds of a month's first midnight in New York."""
    return _midnight(month.first_day)


def end_utc(month: Month) -> int:
    """Epoch seconds of the first midnight in New York after a month."""
    return _midnight(month.day_after)


def hours_utc(month: Month) -> IntArray:
    """Epoch seconds of each hour of a month: 24 a day, but 23 and 25 on the DST days."""
    return np.arange(start_utc(month), end_utc(month), HOUR_SECONDS, dtype=np.int64)


def repeated_hour_utc(month: Month) -> int | None:
    """Epoch seconds at which the clocks of a month go back; None if they do not."""
    hours = hours_utc(month)
    back = np.flatnonzero(np.diff(to_new_york(hours)) == 0)
    return int(hours[back[0] + 1]) if len(back) else None


def to_new_york(utc_seconds: IntArray) -> IntArray:
    """Convert UTC to New York wall time, both as seconds since 1970 by their own clock.

    The offset is looked up once for each distinct hour, because every change of offset is at a whole UTC hour.

    Args:
        utc_seconds: Epoch seconds.

    Returns:
        Seconds that, read as if they were UTC, show the wall clock in New York.
    """
    hours, position = np.unique(utc_seconds // HOUR_SECONDS, return_inverse=True)
    offsets = np.array([_offset_seconds(hour) for hour in hours.tolist()], dtype=np.int64)
    return utc_seconds + offsets[position]


def weekday(wall_seconds: IntArray) -> IntArray:
    """Day of the week, with Monday as 0. 1970-01-01 was a Thursday."""
    return np.asarray((wall_seconds // DAY_SECONDS + 3) % 7, dtype=np.int64)


def hour_of_day(wall_seconds: IntArray) -> IntArray:
    """Hour of the day, 0 to 23."""
    return np.asarray(wall_seconds // HOUR_SECONDS % 24, dtype=np.int64)


def _midnight(day: dt.date) -> int:
    return int(dt.datetime.combine(day, dt.time(), NEW_YORK).timestamp())


def _offset_seconds(hour: int) -> int:
    offset = dt.datetime.fromtimestamp(hour * HOUR_SECONDS, NEW_YORK).utcoffset()
    return int(offset.total_seconds()) if offset else 0


def random_stream(seed: int, name: str, year: int, month: int = 0) -> np.random.Generator:
    """A random generator for one part and month, so that any month can be generated alone.

    Args:
        seed: The sample's seed.
        name: What the numbers are for.
        year: The year they belong to.
        month: The month they belong to; 0 for a whole year.

    Returns:
        The generator.
    """
    return np.random.default_rng([seed, zlib.crc32(name.encode()), year, month])


class Lots:
    """Draws disjoint sets of rows, so that no row gets two oddities at once."""

    def __init__(self, rng: np.random.Generator, rows: int) -> None:
        """Shuffle the positions of this many rows."""
        self._rows = rows
        self._left = rng.permutation(rows)

    def draw(self, share: float, least: int) -> IntArray:
        """Draw rows that were not drawn before.

        Args:
            share: The share of all rows, 0 to 1.
            least: The least number of rows, however small the share is.

        Returns:
            Row positions.
        """
        count = max(least, round(self._rows * share))
        taken, self._left = self._left[:count], self._left[count:]
        return taken
