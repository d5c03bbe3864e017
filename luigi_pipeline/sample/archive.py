"""Open-Meteo's archive API, answered from one JSON file per year."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from luigi_pipeline.sample.objects import version_of

UNITS = {
    "temperature_2m": "°C",
    "relative_humidity_2m": "%",
    "dew_point_2m": "°C",
    "apparent_temperature": "°C",
    "precipitation": "mm",
    "rain": "mm",
    "snowfall": "cm",
    "cloud_cover": "%",
    "pressure_msl": "hPa",
    "wind_speed_10m": "m/s",
    "wind_direction_10m": "°",
}
# Stored in km/h, answered in m/s.
_KMH = {"wind_speed_10m": 3.6}
# The publisher's defaults, and the only values that this server knows. The publisher knows more. A request for another
# value is refused, so that it does not get an answer in the wrong zone or unit.
_ONLY = {
    "timezone": ("GMT", "GMT"),
    "timeformat": ("iso8601", "iso8601"),
    "temperature_unit": ("celsius", "celsius"),
    "precipitation_unit": ("mm", "mm"),
    "wind_speed_unit": ("kmh", "ms"),
}
_LABEL = "%Y-%m-%dT%H:%M"
_LIMITS = {"latitude": 90.0, "longitude": 180.0}


class BadRequestError(Exception):
    """A request that the API refuses, with its reason."""


def respond(folder: Path, query: Mapping[str, str]) -> tuple[int, bytes]:
    """Answer a request to the archive.

    Args:
        folder: The folder of YYYY.json files, each with a year of UTC hours in the publisher's default units.
        query: latitude, longitude, start_date, end_date, hourly, wind_speed_unit (`ms`).

    Returns:
        The status (200, or 400 with a reason), and a JSON body.
    """
    try:
        return 200, json.dumps(_answer(folder, query)).encode()
    except BadRequestError as refused:
        return 400, json.dumps({"error": True, "reason": str(refused)}).encode()


def _answer(folder: Path, query: Mapping[str, str]) -> dict[str, Any]:
    _check_point(query)
    first, last = _dates(folder, query)
    names = _variables(query)
    for parameter, (default, only) in _ONLY.items():
        value = query.get(parameter, default)
        if value != only:
            raise BadRequestError(_unknown(parameter, value))

    begin = dt.datetime.combine(first, dt.time())
    hours = [begin + dt.timedelta(hours=h) for h in range(24 * ((last - first).days + 1))]
    stored = {year: _year(folder, year) for year in range(first.year, last.year + 1)}
    return {
        **{key: stored[first.year][key] for key in ("latitude", "longitude", "elevation")},
        "generationtime_ms": time.perf_counter() % 1,  # another value in every answer, as the publisher has it
        "utc_offset_seconds": 0,
        "timezone": "GMT",
        "timezone_abbreviation": "GMT",
        "hourly_units": {"time": "iso8601", **{name: UNITS[name] for name in names}},
        "hourly": {
            "time": [f"{hour:{_LABEL}}" for hour in hours],
            **{name: _values(stored, name, hours) for name in names},
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


def _unknown(kind: str, value: str) -> str:
    return f"Data corrupted at path ''. Cannot initialize {kind} from invalid String value {value}."


def _year(folder: Path, year: int) -> dict[str, Any]:
    file = folder / f"{year}.json"
    return _read(file, version_of(file)) if file.is_file() else {"hourly": {}, "rows": {}}


@lru_cache(maxsize=6)
def _read(file: Path, _version: tuple[int, ...]) -> dict[str, Any]:
    """Read a year's answer, and add the row of each hour. It is cached until the file changes."""
    stored: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    stored["rows"] = {label: row for row, label in enumerate(stored["hourly"]["time"])}
    return stored


def _values(stored: Mapping[int, dict[str, Any]], name: str, hours: list[dt.datetime]) -> list[float | None]:
    """A variable's values at UTC hours. An hour or a variable that is not stored is null."""
    answered, factor = [], _KMH.get(name, 1)
    for hour in hours:
        row = stored[hour.year]["rows"].get(f"{hour:{_LABEL}}")
        values = stored[hour.year]["hourly"].get(name)
        value = None if row is None or values is None else values[row]
        answered.append(value if value is None or factor == 1 else round(value / factor, 2))
    return answered
