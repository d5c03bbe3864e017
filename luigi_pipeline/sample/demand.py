"""When trips start: by hour and weekday, and by weather."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from luigi_pipeline.core.months import Month
from luigi_pipeline.sample.clock import (
    HOUR_SECONDS,
    FloatArray,
    IntArray,
    hour_of_day,
    hours_utc,
    to_new_york,
    weekday,
)
from luigi_pipeline.sample.weather import hours_of_year, weather_of_year

WeatherFactor = Callable[[FloatArray, FloatArray, FloatArray], FloatArray]


@dataclass(frozen=True)
class Rhythm:
    """A mode's demand: by weekday (Monday first) and hour, and by weather."""

    week: FloatArray
    weather_factor: WeatherFactor


def _taxi_weather(temperature: FloatArray, rain: FloatArray, snow: FloatArray) -> FloatArray:
    """A few more people take a taxi in rain or cold. Snow keeps cars off the street."""
    cold = 1 + 0.04 * (temperature < 5)
    return np.asarray(np.select([snow > 0, rain > 0], [0.82, 1.07], 1.0) * cold)


def _bike_weather(temperature: FloatArray, rain: FloatArray, snow: FloatArray) -> FloatArray:
    """Rain halves riding, heavy rain and snow nearly end it, and cold reduces it."""
    comfort = 0.35 + 0.65 / (1 + np.exp(-(temperature - 8) / 4))
    wet = np.select([snow > 0, rain >= 2.5, rain > 0], [0.22, 0.3, 0.55], 1.0)
    return np.asarray(wet * comfort)


# fmt: off
_TAXI_WEEKDAY = [18, 10, 6, 4, 4, 8, 20, 38, 50, 50, 46, 48,
                 52, 54, 58, 60, 58, 64, 75, 74, 68, 62, 50, 32]
_TAXI_FRIDAY = [24, 15, 9, 6, 5, 8, 20, 36, 47, 48, 46, 48,
                52, 54, 57, 58, 57, 64, 77, 78, 70, 67, 68, 64]
_TAXI_SATURDAY = [54, 44, 34, 23, 12, 6, 8, 14, 24, 36, 46, 52,
                  56, 56, 58, 60, 60, 64, 72, 70, 62, 62, 66, 66]
_TAXI_SUNDAY = [60, 52, 43, 29, 16, 7, 8, 12, 20, 34, 46, 52,
                56, 56, 56, 54, 52, 52, 50, 46, 40, 34, 26, 18]
_BIKE_WEEKDAY = [6, 4, 2, 1, 2, 6, 20, 50, 86, 56, 38, 40,
                 46, 48, 52, 62, 78, 100, 92, 66, 48, 36, 26, 14]
_BIKE_WEEKEND = [16, 11, 8, 5, 3, 4, 8, 16, 28, 44, 58, 68,
                 74, 78, 80, 80, 76, 70, 60, 46, 36, 28, 24, 18]
# fmt: on

TAXI = Rhythm(
    np.array([_TAXI_WEEKDAY] * 4 + [_TAXI_FRIDAY, _TAXI_SATURDAY, _TAXI_SUNDAY], dtype=np.float64),
    _taxi_weather,
)
CITIBIKE = Rhythm(np.array([_BIKE_WEEKDAY] * 5 + [_BIKE_WEEKEND] * 2, dtype=np.float64), _bike_weather)


def _weather_at(seed: int, hours: IntArray) -> dict[str, FloatArray]:
    years = np.unique(hours.astype("datetime64[s]").astype("datetime64[Y]").astype(int) + 1970)
    axis = np.concatenate([hours_of_year(year) for year in years.tolist()])
    where = np.searchsorted(axis, hours)
    weather = [weather_of_year(seed, year) for year in years.tolist()]
    names = ("temperature_2m", "rain", "snowfall")
    return {name: np.concatenate([year[name] for year in weather])[where] for name in names}


def hourly_weights(rhythm: Rhythm, seed: int, month: Month) -> FloatArray:
    """The expected share of a month's trips in each of its hours.

    Args:
        rhythm: The mode's demand.
        seed: The sample's seed, which decides the weather.
        month: The New York month.

    Returns:
        A share for each of `hours_utc(month)`. Their sum is 1.
    """
    hours = hours_utc(month)
    wall = to_new_york(hours)
    # The precipitation between h and h + 1 has the label h + 1.
    now, following = _weather_at(seed, hours), _weather_at(seed, hours + HOUR_SECONDS)
    weights = rhythm.week[weekday(wall), hour_of_day(wall)] * rhythm.weather_factor(
        now["temperature_2m"], following["rain"], following["snowfall"]
    )
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def draw_starts(rng: np.random.Generator, rhythm: Rhythm, seed: int, month: Month, count: int) -> IntArray:
    """Draw the starts of a month's trips, as epoch seconds in UTC, in order.

    They are drawn in UTC, so March's missing hour stays empty, and November's repeated hour gets twice the trips.
    """
    trips = rng.multinomial(count, hourly_weights(rhythm, seed, month))
    starts = np.repeat(hours_utc(month), trips) + rng.integers(0, HOUR_SECONDS, count)
    return np.sort(starts)
