"""What rain, snow, heat and cold do to the number of trips. For rain, the metric `rain_effect_pct` does the same.

Hours with such weather are compared with dry hours of the same mode and hour of the week, at most 28 days earlier or
later. So the season and the time of day do not distort the result. An hour without any such dry hour is left out. Only
days that all modes cover are compared, so that the effects on the modes can be compared too.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from luigi_pipeline.report.datasets import MODES

HOT, COLD = 30.0, 0.0
_DAYS = 28


@dataclass(frozen=True)
class Hour:
    """An hour of a mode, in New York.

    Attributes:
        day: The date.
        hour_of_day: 0 to 23.
        mode: `trip_type`.
        trips: Trips that began in it.
        temperature: Degrees Celsius; None if there is no weather for the hour.
        precipitation: none, rain, snow, mixed or unknown.
        is_dry: Whether precipitation is known to be zero.
    """

    day: dt.date
    hour_of_day: int
    mode: str
    trips: int
    temperature: float | None
    precipitation: str | None
    is_dry: bool

    @property
    def of_week(self) -> tuple[str, int, int]:
        """Its mode, weekday and hour."""
        return self.mode, self.day.isoweekday(), self.hour_of_day


@dataclass(frozen=True)
class Condition:
    """A kind of weather, and the dry hours that it is compared with."""

    name: str
    holds: Callable[[Hour], bool]
    baseline: Callable[[Hour], bool]


def _is_hot(hour: Hour) -> bool:
    return hour.temperature is not None and hour.temperature >= HOT


def _is_cold(hour: Hour) -> bool:
    return hour.temperature is not None and hour.temperature < COLD


CONDITIONS = (
    Condition("Rain", lambda hour: hour.precipitation in ("rain", "mixed"), lambda hour: hour.is_dry),
    Condition("Snow", lambda hour: hour.precipitation in ("snow", "mixed"), lambda hour: hour.is_dry),
    Condition("Heat", lambda hour: hour.is_dry and _is_hot(hour), lambda hour: hour.is_dry and not _is_hot(hour)),
    Condition("Cold", lambda hour: hour.is_dry and _is_cold(hour), lambda hour: hour.is_dry and not _is_cold(hour)),
)


def compare(hours: Sequence[Hour], days: Collection[dt.date]) -> Iterator[tuple[str, str, float, int, int, float]]:
    """Compare each kind of weather with its baseline.

    Args:
        hours: All hours of all modes.
        days: The days whose hours are compared. The dry hours may be of other days.

    Yields:
        Condition, mode, effect in percent, number of hours compared, their trips, and their expected trips.
    """
    for condition in CONDITIONS:
        usual: dict[tuple[str, int, int], list[Hour]] = defaultdict(list)
        for hour in hours:
            if condition.baseline(hour):
                usual[hour.of_week].append(hour)
        for mode, name in MODES.items():
            counted, trips, expected = 0, 0, 0.0
            for hour in hours:
                if hour.mode != mode or hour.day not in days or not condition.holds(hour):
                    continue
                near = [dry.trips for dry in usual[hour.of_week] if abs((dry.day - hour.day).days) <= _DAYS]
                if near:
                    counted, trips, expected = counted + 1, trips + hour.trips, expected + sum(near) / len(near)
            if expected:
                yield condition.name, name, 100 * (trips / expected - 1), counted, trips, expected
