"""Damage to Open-Meteo's answers."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from damage import NOVEMBER, Hourly, answered, published, weather, weather_head, weather_values

TEMPERATURES = ("temperature_2m", "apparent_temperature", "dew_point_2m")
WATER = ("precipitation", "rain", "snowfall")


def shifted(hours: int, *names: str, month: str | None = None) -> Callable[[Path], None]:
    """Each hour gets the values of so many hours before it."""

    def change(hourly: Hourly, at: list[int]) -> None:
        for name in names or [name for name in hourly if name != "time"]:
            old = list(hourly[name])
            for position in at:
                hourly[name][position] = old[(position - hours) % len(old)]

    return weather(change, month)


def lost(names: tuple[str, ...], *, day: int, hours: range = range(24)) -> Callable[[Path], None]:
    """Hours of UTC on a day of October are null."""

    def change(hourly: Hourly, at: list[int]) -> None:
        for name in names or [name for name in hourly if name != "time"]:
            for position in at[24 * (day - 1) :][hours.start : hours.stop]:
                hourly[name][position] = None

    return weather(change)


def stuck(hourly: Hourly, at: list[int]) -> None:
    for values in (hourly[name] for name in hourly if name != "time"):
        for position in at[240:312]:
            values[position] = values[at[240]]


def exchanged(*names: str) -> Callable[[Path], None]:
    def change(hourly: Hourly, at: list[int]) -> None:
        first, second = names
        for position in at:
            hourly[first][position], hourly[second][position] = hourly[second][position], hourly[first][position]

    return weather(change)


def of_another_month(hourly: Hourly, at: list[int]) -> None:
    """October has November's weather."""
    begin = hourly["time"].index(f"{NOVEMBER}-01T00:00")
    for values in (hourly[name] for name in hourly if name != "time"):
        values[at[0] : at[-1] + 1] = values[begin : begin + len(at)]


def of_half_a_year_later(hourly: Hourly, at: list[int]) -> None:
    """The weather of the other hemisphere, near enough."""
    for values in (hourly[name] for name in hourly if name != "time"):
        old = list(values)
        values[:] = old[len(old) // 2 :] + old[: len(old) // 2]


def without_an_hour(hourly: Hourly, at: list[int]) -> None:
    for name in hourly:
        del hourly[name][at[100]]


def moved(hours: int) -> Callable[[dict[str, Any]], None]:
    """The answer's values are those of so many hours before."""

    def change(answer: dict[str, Any]) -> None:
        for name, values in answer["hourly"].items():
            if name != "time":
                answer["hourly"][name] = values[-hours:] + values[:-hours]

    return change


def labelled(hours: int) -> Callable[[dict[str, Any]], None]:
    """The answer's hours bear the labels of so many hours later."""

    def change(answer: dict[str, Any]) -> None:
        later = dt.timedelta(hours=hours)
        times = [dt.datetime.fromisoformat(time) + later for time in answer["hourly"]["time"]]
        answer["hourly"]["time"] = [time.strftime("%Y-%m-%dT%H:%M") for time in times]

    return change


def spiked(hourly: Hourly, at: list[int]) -> None:
    hourly["temperature_2m"][at[400]] = 45.0


def in_unit(name: str, unit: str) -> Callable[[dict[str, Any]], None]:
    return lambda answer: answer["hourly_units"].update({name: unit})


DAMAGES = [
    published(
        "weather in Fahrenheit",
        "temperatures in Fahrenheit",
        weather_values(dict.fromkeys(TEMPERATURES, lambda value: round(value * 1.8 + 32, 1))),
    ),
    published(
        "weather in Fahrenheit in part",
        "the temperature alone in Fahrenheit",
        weather_values({"temperature_2m": lambda value: round(value * 1.8 + 32, 1)}, NOVEMBER),
    ),
    published(
        "weather with other winds",
        "winds in km/h under the name of m/s",
        weather_values({"wind_speed_10m": lambda value: value * 3.6}),
    ),
    published(
        "weather with winds in knots",
        "winds in knots under the name of m/s",
        weather_values({"wind_speed_10m": lambda value: value * 1.944}),
    ),
    published("weather an hour late", "each hour has the values of the hour before", shifted(1)),
    published("weather an hour early", "each hour has the values of the next hour", shifted(-1)),
    answered("weather of a month an hour late", "October's answer has the values of the hour before", moved(1)),
    answered("weather of a month an hour early", "October's answer has the values of the next hour", moved(-1)),
    answered("weather labels an hour late", "October's answer begins at 1 h and ends at 0 h", labelled(1)),
    answered(
        "weather labels of New York",
        "October's answer is four hours off UTC, and says so",
        lambda answer: answer.update(utc_offset_seconds=-14400),
    ),
    answered(
        "weather unit Fahrenheit", "October's answer is in Fahrenheit, and says so", in_unit("temperature_2m", "°F")
    ),
    answered("weather unit km/h", "October's winds are in km/h, and it says so", in_unit("wind_speed_10m", "km/h")),
    published("weather in New York time", "hours are New York's and not UTC", shifted(-4)),
    published("weather rain a day late", "precipitation is a day late", shifted(24, *WATER)),
    published(
        "weather precipitation alone an hour late",
        "precipitation, but not rain and snow, is an hour late",
        shifted(1, "precipitation"),
    ),
    published("weather of another place", "an answer for London", weather_head(latitude=51.5, longitude=-0.12)),
    published("weather of the other season", "the weather of half a year later", weather(of_half_a_year_later)),
    published("weather months exchanged", "October has November's weather", weather(of_another_month)),
    published("weather night lost", "all values of one night are null", lost((), day=16, hours=range(4, 12))),
    published(
        "weather night's rain lost", "precipitation of one night is null", lost(WATER, day=16, hours=range(4, 12))
    ),
    published(
        "weather night's wind lost", "wind of one night is null", lost(("wind_speed_10m",), day=16, hours=range(4, 12))
    ),
    published("weather hour lost", "an hour is missing", weather(without_an_hour)),
    published(
        "weather precipitation zero",
        "no precipitation, rain or snow in a month",
        weather_values(dict.fromkeys(WATER, lambda _: 0.0)),
    ),
    published(
        "weather precipitation in inches",
        "precipitation, rain and snow in inches",
        weather_values(dict.fromkeys(WATER, lambda value: round(value / 25.4, 3))),
    ),
    published(
        "weather precipitation tenfold",
        "precipitation, rain and snow ten times too high",
        weather_values(dict.fromkeys(WATER, lambda value: value * 10)),
    ),
    published(
        "weather rain in inches", "rain alone in inches", weather_values({"rain": lambda value: round(value / 25.4, 3)})
    ),
    published(
        "weather snow in mm",
        "snowfall in millimetres",
        weather_values({"snowfall": lambda value: value * 10}, NOVEMBER),
    ),
    published("weather rain and snow exchanged", "rain and snowfall exchanged", exchanged("rain", "snowfall")),
    published(
        "weather pressure at the ground",
        "air pressure a tenth lower",
        weather_values({"pressure_msl": lambda value: value * 0.9}),
    ),
    published(
        "weather clouds in oktas",
        "cloud cover in eighths",
        weather_values({"cloud_cover": lambda value: round(value / 12.5)}),
    ),
    published(
        "weather direction in radians",
        "wind direction in radians",
        weather_values({"wind_direction_10m": lambda value: round(math.radians(value), 2)}),
    ),
    published(
        "weather temperature and dew point exchanged",
        "temperature and dew point exchanged",
        exchanged("temperature_2m", "dew_point_2m"),
    ),
    published("weather spike", "one hour of October has 45 degrees Celsius", weather(spiked)),
    published("weather stuck", "three days have the values of one hour", weather(stuck)),
    published(
        "weather temperature negative",
        "temperatures have lost their sign, and gained another",
        weather_values({"temperature_2m": lambda value: -value}),
    ),
    *(
        published(
            f"weather {name} empty", f"the variable {name} is null in October", weather_values({name: lambda _: None})
        )
        for name in (
            "temperature_2m",
            "relative_humidity_2m",
            "wind_speed_10m",
            "wind_direction_10m",
        )
    ),
]
