"""The weather as stored: axis, units, nulls, seasons, storms."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from luigi_pipeline.sample.weather import GRID_CELL, weather_of_year

VARIABLES = (
    "temperature_2m", "relative_humidity_2m", "dew_point_2m", "apparent_temperature",
    "precipitation", "rain", "snowfall", "cloud_cover", "pressure_msl", "wind_speed_10m",
    "wind_direction_10m",
)  # fmt: skip


@pytest.fixture(scope="module")
def stored(sample: Path) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads((sample / "archive/2024.json").read_text())
    return answer


def test_axis_is_every_utc_hour_of_the_year(stored: dict[str, Any]) -> None:
    times = stored["hourly"]["time"]
    assert len(times) == len(set(times)) == 8784
    assert (times[0], times[-1]) == ("2024-01-01T00:00", "2024-12-31T23:00")
    assert "2024-03-10T07:00" in times
    assert {name: len(values) for name, values in stored["hourly"].items()} == dict.fromkeys(("time", *VARIABLES), 8784)
    assert {key: stored[key] for key in GRID_CELL} == GRID_CELL


def test_only_direction_and_pressure_have_nulls(stored: dict[str, Any]) -> None:
    nulls = {name: values.count(None) for name, values in stored["hourly"].items()}
    assert {name for name, count in nulls.items() if count} == {
        "pressure_msl",
        "wind_direction_10m",
    }
    assert nulls["pressure_msl"] == 6 * 12
    directions, speeds = stored["hourly"]["wind_direction_10m"], stored["hourly"]["wind_speed_10m"]
    assert all(speeds[row] <= 1.5 for row, value in enumerate(directions) if value is None)


@pytest.mark.parametrize("seed", [1, 2, 3, 2024])
def test_every_seed_has_seasons_rain_and_a_november_storm(seed: int) -> None:
    weather = weather_of_year(seed, 2024)
    month = (
        np.arange("2024-01-01T00", "2025-01-01T00", dtype="datetime64[h]").astype("datetime64[M]").astype(int) % 12
    ) + 1
    temperature, water, snow = (weather[name] for name in ("temperature_2m", "precipitation", "snowfall"))
    mean = {m: float(temperature[month == m].mean()) for m in (1, 7, 10, 11)}
    assert -4 < mean[1] < 6 < mean[11] < mean[10] < 19 < mean[7] < 29
    assert 0.09 < (water > 0).mean() < 0.15
    for sampled in (10, 11):
        assert (water[month == sampled] > 0).sum() >= 24
    assert 8 <= (snow[month == 11] > 0).sum() <= 90
    assert not snow[(month >= 5) & (month <= 9)].any()
    assert water.max() > 5


def test_warmest_in_the_afternoon_of_new_york() -> None:
    temperature = weather_of_year(5, 2025)["temperature_2m"].reshape(-1, 24).mean(axis=0)
    assert int(temperature.argmax()) in (19, 20, 21)  # UTC
    assert temperature.max() - temperature.min() > 5


def test_rain_comes_in_spells() -> None:
    wet = weather_of_year(5, 2025)["precipitation"] > 0
    after_wet = wet[1:][wet[:-1]].mean()
    assert after_wet > 4 * wet.mean()


def test_measures_agree_with_one_another() -> None:
    weather = weather_of_year(11, 2024)
    water = weather["rain"] + weather["snowfall"] / 0.7
    assert np.abs(weather["precipitation"] - water).max() < 0.02
    assert weather["rain"].min() >= 0
    assert (weather["dew_point_2m"] <= weather["temperature_2m"] + 0.1).all()
    assert (weather["temperature_2m"][weather["snowfall"] > 0] <= 1.5).all()
    for name, low, high in (
        ("relative_humidity_2m", 0, 100),
        ("cloud_cover", 0, 100),
        ("wind_direction_10m", 0, 360),
        ("pressure_msl", 960, 1060),
        ("wind_speed_10m", 0, 90),
    ):
        known = weather[name][~np.isnan(weather[name])]
        assert low <= known.min() <= known.max() <= high, name


def test_whole_numbers_are_written_whole(stored: dict[str, Any]) -> None:
    for name in ("relative_humidity_2m", "cloud_cover", "wind_direction_10m"):
        assert {type(value) for value in stored["hourly"][name]} <= {int, type(None)}
    assert not any(math.isnan(value) for value in stored["hourly"]["temperature_2m"])
