"""A year of hourly weather over New York, and its file in the archive's form."""

from __future__ import annotations

import datetime as dt
import json
import math
from functools import lru_cache
from pathlib import Path

import numpy as np

from luigi_pipeline.sample.clock import HOUR_SECONDS, FloatArray, IntArray, random_stream

# The archive answers for the centre of its grid cell, not for the requested point.
GRID_CELL = {"latitude": 40.710335, "longitude": -73.99308, "elevation": 32.0}
# Open-Meteo's own ratio: a millimetre of water is 0.7 cm of snow.
SNOW_CM_PER_MM = 0.7
# One storm is always in late November, the others in winter: (month, day).
SNOW_STORMS = ((1, 16), (2, 13), (3, 8), (11, 22), (12, 20))
WHOLE_NUMBERS = ("relative_humidity_2m", "cloud_cover", "wind_direction_10m")


def hours_of_year(year: int) -> IntArray:
    """Epoch seconds of every UTC hour of a year."""
    ends = [int(dt.datetime(y, 1, 1, tzinfo=dt.UTC).timestamp()) for y in (year, year + 1)]
    return np.arange(ends[0], ends[1], HOUR_SECONDS, dtype=np.int64)


def _smooth_noise(rng: np.random.Generator, count: int, memory_hours: float) -> FloatArray:
    """Noise of mean 0 and deviation 1 that changes over about this many hours."""
    kernel = np.exp(-np.arange(int(memory_hours * 5)) / memory_hours)
    white = rng.standard_normal(count + len(kernel) - 1)
    return np.convolve(white, kernel / np.sqrt(np.sum(kernel**2)), mode="valid")


def _temperature(rng: np.random.Generator, hours: IntArray) -> FloatArray:
    """Degrees C: coldest in late January and before dawn, warmest in mid-afternoon."""
    day = (hours - hours[0]) / 86_400
    season = 12.8 - 11.8 * np.cos(2 * np.pi * (day - 25) / 365.25)
    # 20:00 UTC is 15:00 or 16:00 in New York.
    course = 3.6 * np.cos(2 * np.pi * (hours / HOUR_SECONDS % 24 - 20) / 24)
    return np.asarray(season + course + 3.2 * _smooth_noise(rng, len(hours), 60))


def _precipitation(rng: np.random.Generator, count: int) -> FloatArray:
    """Millimetres in each hour. Rain comes in spells, and about one hour in nine is wet."""
    latent = _smooth_noise(rng, count, 5)
    excess = latent - np.quantile(latent, 0.885)
    amount = np.where(excess > 0, excess * rng.gamma(1.2, 2.4, count), 0.0)
    return np.where(excess > 0, np.maximum(np.round(amount, 1), 0.1), 0.0)


def _add_snow_storms(rng: np.random.Generator, year: int, temperature: FloatArray, water: FloatArray) -> None:
    """Add cold, wet half days to the year, in place."""
    for month, day in SNOW_STORMS:
        first = (dt.date(year, month, day) - dt.date(year, 1, 1)).days * 24 + 8
        storm = slice(first, first + int(rng.integers(10, 16)))
        around = slice(storm.start - 12, storm.stop + 12)
        temperature[around] = np.minimum(temperature[around], 3.0)
        temperature[storm] = np.minimum(temperature[storm], -1.5) + 0.3 * rng.standard_normal(storm.stop - storm.start)
        water[storm] = np.round(0.4 + rng.gamma(2.0, 0.5, storm.stop - storm.start), 1)


@lru_cache(maxsize=8)
def weather_of_year(seed: int, year: int) -> dict[str, FloatArray]:
    """Generate a year's hourly weather.

    Args:
        seed: The sample's seed.
        year: The calendar year in UTC.

    Returns:
        Arrays by the archive's variable names, one value per hour of the year, NaN if nothing was measured.
        Precipitation, rain (mm) and snowfall (cm) are sums of the hour before. Other values are at the hour: degrees C,
        %, hPa, km/h, degrees.
    """
    rng = random_stream(seed, "weather", year)
    hours = hours_of_year(year)
    count = len(hours)
    temperature = _temperature(rng, hours)
    water = _precipitation(rng, count)
    _add_snow_storms(rng, year, temperature, water)

    # Between frost and 1.5 degrees, half of it falls as sleet: rain and snow in one hour.
    frozen = np.select([temperature <= 0, temperature < 1.5], [1.0, 0.5], 0.0)
    snowfall = np.round(water * frozen * SNOW_CM_PER_MM, 2)
    rain = np.round(water - snowfall / SNOW_CM_PER_MM, 2)
    wet = water > 0

    cloud = np.clip(45 + 38 * _smooth_noise(rng, count, 9), 0, 100)
    cloud = np.where(wet, np.maximum(cloud, 82 + 18 * rng.random(count)), cloud)
    humidity = np.clip(62 + 13 * _smooth_noise(rng, count, 12) + 24 * wet, 22, 99)
    wind = np.clip(13.5 + 5.5 * _smooth_noise(rng, count, 8) + 5 * wet, 0.4, None)
    direction = (250 + 70 * _smooth_noise(rng, count, 20)) % 360
    pressure = 1016.5 + 7 * _smooth_noise(rng, count, 40) - 4 * wet
    # A calm hour has no wind direction, and the barometer fails for one night a month.
    direction[wind < 1.5] = np.nan
    pressure[hours // HOUR_SECONDS % 730 < 6] = np.nan

    # The Magnus formula for the vapour pressure (hPa) and dew point, and Steadman's apparent temperature.
    vapour = humidity / 100 * 6.112 * np.exp(17.62 * temperature / (243.12 + temperature))
    log_ratio = np.log(vapour / 6.112)
    series = {
        "temperature_2m": temperature,
        "relative_humidity_2m": humidity,
        "dew_point_2m": 243.12 * log_ratio / (17.62 - log_ratio),
        "apparent_temperature": temperature + 0.33 * vapour - 0.7 * wind / 3.6 - 4.0,
        "precipitation": water,
        "rain": np.abs(rain),
        "snowfall": snowfall,
        "cloud_cover": cloud,
        "pressure_msl": pressure,
        "wind_speed_10m": wind,
        "wind_direction_10m": direction,
    }
    exact = ("rain", "snowfall")
    return {
        name: np.round(values, 0 if name in WHOLE_NUMBERS else 2 if name in exact else 1)
        for name, values in series.items()
    }


def _json_values(name: str, values: FloatArray) -> list[float | int | None]:
    number = int if name in WHOLE_NUMBERS else float
    return [None if math.isnan(value) else number(value) for value in values.tolist()]


def write_weather(path: Path, seed: int, year: int) -> int:
    """Write a year's weather in the archive's form: one full time axis with UTC labels.

    Args:
        path: The JSON file to write.
        seed: The sample's seed.
        year: The calendar year in UTC.

    Returns:
        The number of hours written.
    """
    labels = np.datetime_as_string(hours_of_year(year).astype("datetime64[s]"), unit="m").tolist()
    series = weather_of_year(seed, year).items()
    hourly = {name: _json_values(name, values) for name, values in series}
    answer = {**GRID_CELL, "hourly": {"time": labels, **hourly}}
    path.write_text(json.dumps(answer, allow_nan=False, separators=(",", ":")))
    return len(labels)
