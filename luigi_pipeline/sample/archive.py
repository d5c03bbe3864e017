"""Open-Meteo's archive API, answered from one JSON file for each year."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from luigi_pipeline.sample.objects import version_of

UNITS = {
    "temperature_2m": "°C",
    "relative_humidity_2m": "%",
    "dew_point_2m": "°C",
    "apparent_temperature": "°C",
    "precipitation": "mm",
    "rain": "mm",
    "snowfall": "cm",
    "snow_depth": "m",
    "weather_code": "wmo code",
    "cloud_cover": "%",
    "pressure_msl": "hPa",
    "surface_pressure": "hPa",
    "wind_speed_10m": "km/h",
    "wind_gusts_10m": "km/h",
    "wind_direction_10m": "°",
    "is_day": "",
}
# Spelling in an answer, and km/h in one of it.
WIND_UNITS = {
    "kmh": ("km/h", 1.0),
    "ms": ("m/s", 3.6),
    "mph": ("mp/h", 1.609344),
    "kn": ("kn", 1.852),
}
# The publisher knows more of these; a sample that ignored them would answer in the wrong unit.
ONLY = {"temperature_unit": "celsius", "precipitation_unit": "mm"}
TIME_FORMATS = ("iso8601", "unixtime")
_LABEL = "%Y-%m-%dT%H:%M"
_LIMITS = {"latitude": 90.0, "longitude": 180.0}


class BadRequestError(Exception):
    """A request that the API refuses, with its reason."""


def respond(folder: Path, query: Mapping[str, str]) -> tuple[int, bytes]:
    """Answer a request to the archive.

    Args:
        folder: Folder of YYYY.json files, each a year of UTC hours in the default units.
        query: latitude, longitude, start_date, end_date, hourly, timezone, wind_speed_unit,
            timeformat.

    Returns:
        Status (200, or 400 with a reason), and a JSON body.
    """
    try:
        return 200, json.dumps(_answer(folder, query)).encode()
    except BadRequestError as refused:
        return 400, json.dumps({"error": True, "reason": str(refused)}).encode()


def _answer(folder: Path, query: Mapping[str, str]) -> dict[str, Any]:
    _check_point(query)
    first, last = _dates(folder, query)
    names = _variables(query)
    speed, kmh = WIND_UNITS[_choice(query, "wind_speed_unit", "kmh", tuple(WIND_UNITS))]
    time_format = _choice(query, "timeformat", "iso8601", TIME_FORMATS)
    for parameter, unit in ONLY.items():
        _choice(query, parameter, unit, (unit,))
    shift = _offset_seconds(query.get("timezone", "GMT"))

    begin = dt.datetime.combine(first, dt.time())
    labels = [begin + dt.timedelta(hours=h) for h in range(24 * ((last - first).days + 1))]
    hours = [label - dt.timedelta(seconds=shift) for label in labels]
    stored = {year: _year(folder, year) for year in range(first.year - 1, last.year + 2)}
    factors = {name: kmh if UNITS[name] == "km/h" else 1.0 for name in names}
    units = {name: speed if UNITS[name] == "km/h" else UNITS[name] for name in names}
    times: list[int | str] = [f"{label:{_LABEL}}" for label in labels]
    if time_format == "unixtime":
        times = [_unix_time(hour) for hour in hours]
    return {
        **{key: stored[first.year][key] for key in ("latitude", "longitude", "elevation")},
        "generationtime_ms": time.perf_counter() % 1,  # another with every call, as published
        "utc_offset_seconds": shift,
        "timezone": query["timezone"] if shift else "GMT",
        "timezone_abbreviation": f"GMT{shift // 3600:+d}" if shift else "GMT",
        "hourly_units": {"time": time_format, **units},
        "hourly": {
            "time": times,
            **{name: _values(stored, name, hours, factor) for name, factor in factors.items()},
        },
    }


def _check_point(query: Mapping[str, str]) -> None:
    for name, limit in _LIMITS.items():
        if name not in query:
            raise BadRequestError(f"Parameter '{name}' is required")
        try:
            value = float(query[name])
        except ValueError:
            raise BadRequestError(f"Parameter '{name}' is not a number") from None
        if not -limit <= value <= limit:
            range_text = f"{-limit:.0f} to {limit:.0f}°"
            raise BadRequestError(f"{name.title()} must be in range of {range_text}. Given: {value}.")


def _dates(folder: Path, query: Mapping[str, str]) -> tuple[dt.date, dt.date]:
    if not {"start_date", "end_date"} <= query.keys():
        raise BadRequestError("Both 'start_date' and 'end_date' must be set in the url")
    try:
        first, last = (dt.date.fromisoformat(query[n]) for n in ("start_date", "end_date"))
    except ValueError:
        raise BadRequestError("Invalid date format. Make sure to use 'YYYY-MM-DD'") from None
    if last < first:
        raise BadRequestError("End-date must be larger or equals than start-date")
    years = sorted(int(file.stem) for file in folder.glob("[0-9][0-9][0-9][0-9].json"))
    if not years:
        raise BadRequestError("No data is available for this location")
    for name, date in (("start_date", first), ("end_date", last)):
        if date.year not in years:
            allowed = f"{years[0]}-01-01 to {years[-1]}-12-31"
            raise BadRequestError(f"Parameter '{name}' is out of allowed range from {allowed}")
    return first, last


def _variables(query: Mapping[str, str]) -> list[str]:
    names = [name for name in query.get("hourly", "").split(",") if name]
    for name in names:
        if name not in UNITS:
            raise BadRequestError(_unknown("ForecastVariable", name))
    return names


def _choice(query: Mapping[str, str], name: str, default: str, known: tuple[str, ...]) -> str:
    value = query.get(name, default)
    if value not in known:
        raise BadRequestError(_unknown(name, value))
    return value


def _unknown(kind: str, value: str) -> str:
    return f"Data corrupted at path ''. Cannot initialize {kind} from invalid String value {value}."


def _offset_seconds(zone: str) -> int:
    """The zone's offset of today, which the API lays over the whole series: no DST in it."""
    name = "America/New_York" if zone == "auto" else zone
    try:
        offset = dt.datetime.now(ZoneInfo(name)).utcoffset()
    except (KeyError, ValueError, OSError):
        raise BadRequestError("Invalid timezone") from None
    return int(offset.total_seconds()) if offset else 0


def _unix_time(hour: dt.datetime) -> int:
    return int(hour.replace(tzinfo=dt.UTC).timestamp())


def _year(folder: Path, year: int) -> dict[str, Any]:
    file = folder / f"{year}.json"
    return _read(file, version_of(file)) if file.is_file() else {"hourly": {}, "rows": {}}


@lru_cache(maxsize=6)
def _read(file: Path, _version: tuple[int, ...]) -> dict[str, Any]:
    """A year's answer, with the row of each hour added; kept until the file is another."""
    stored: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    stored["rows"] = {label: row for row, label in enumerate(stored["hourly"]["time"])}
    return stored


def _values(
    stored: Mapping[int, dict[str, Any]], name: str, hours: list[dt.datetime], factor: float
) -> list[float | None]:
    """A variable's values at UTC hours; an hour or a variable that is not stored is null."""
    found = []
    for hour in hours:
        row = stored[hour.year]["rows"].get(f"{hour:{_LABEL}}")
        values = stored[hour.year]["hourly"].get(name)
        value = None if row is None or values is None else values[row]
        found.append(value if value is None or factor == 1 else round(value / factor, 2))
    return found
