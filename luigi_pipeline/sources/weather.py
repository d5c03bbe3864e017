"""Hourly weather from Open-Meteo's archive API: one request and one JSON file per month.

Facts from Open-Meteo's docs: precipitation, rain and snowfall are sums over the preceding hour; everything else is
measured at the hour. A missing value is null; no hour is missing. Only GMT keeps one offset: with any other time zone,
the API applies today's offset to every hour.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from luigi_pipeline.config.sections import LATEST, Date, HttpUrl, Published, Section, date, month_list
from luigi_pipeline.config.settings import Download, Settings
from luigi_pipeline.core.errors import FetchFailed, NotPublished, Rejected
from luigi_pipeline.core.files import write_atomically
from luigi_pipeline.core.months import Month, utc_hour
from luigi_pipeline.core.redaction import redacted
from luigi_pipeline.sources.base import Part, Source, set_aside_if_rejected
from luigi_pipeline.sources.landed import Landed
from luigi_pipeline.sources.urls import asking

if TYPE_CHECKING:
    from luigi_pipeline.sources.http import Publisher

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
_HOUR = dt.timedelta(hours=1)
# Open-Meteo completes and corrects the newest hours for some days: five by its docs, more by its issues.
_SETTLING = dt.timedelta(days=10)
# Open-Meteo answers for the centre of a grid cell, which is at most a quarter of a degree wide.
_MAX_DEGREES_OFF = 0.5
_OUT_OF_RANGE = "out of allowed range"  # part of its message for days that it does not have yet


class Location(Section):
    """The place of the weather, in degrees."""

    latitude: float = Field(default=40.7128, ge=-90, le=90)
    longitude: float = Field(default=-74.0060, ge=-180, le=180)


class Weather(Published):
    """Open-Meteo's archive, from start_date to end_date in New York time, or by whole months."""

    base_url: HttpUrl = "https://archive-api.open-meteo.com/v1/archive"
    start_date: Date | None = None
    end_date: Date | None = None
    location: Location = Location()
    calls_per_minute: float = Field(default=500, gt=0)
    usual_delay_days: int = Field(default=7, ge=0)

    @classmethod
    def _without_latest(cls, value: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
        if value.get("end_date") == LATEST:
            start = date(value.get("start_date"))
            return value | {"end_date": Month.of(start).last_day}, Month.of(start)
        value, first = super()._without_latest(value)
        if "months" not in value:
            return value, first
        if "start_date" in value or "end_date" in value:
            raise ValueError("has months beside start_date or end_date; leave one of them out")
        months = month_list(value["months"])
        if months and months != Month.between(months[0], months[-1]):
            raise ValueError("months has a gap; weather is loaded from a first month to a last one")
        dates = {"start_date": months[0].first_day, "end_date": months[-1].last_day} if months else {}
        return {key: it for key, it in value.items() if key != "months"} | dates, first

    def until(self, newest: Month) -> Self:
        """A copy that ends with the last day of the given month."""
        return self.model_copy(update={"end_date": newest.last_day})

    @model_validator(mode="after")
    def _dates_in_order(self) -> Weather:
        if self.enabled and (self.start_date is None or self.end_date is None):
            raise ValueError("start_date and end_date are needed, or set enabled: false")
        if self.start_date and self.end_date and self.start_date > self.end_date:
            raise ValueError(f"start_date ({self.start_date}) is after end_date ({self.end_date})")
        return self

    @property
    def months(self) -> list[Month]:
        """The months that the dates touch."""
        if self.start_date is None or self.end_date is None:
            return []
        return Month.between(Month.of(self.start_date), Month.of(self.end_date))

    def days(self, month: Month) -> tuple[dt.date, dt.date]:
        """The first and last New York day to ask for in a month; the whole month if the dates do not touch it."""
        first, last = month.first_day, month.last_day
        if month not in self.months:
            return first, last
        return max(self.start_date or first, first), min(self.end_date or last, last)

    def is_whole(self, month: Month) -> bool:
        """Whether the dates touch the month from its first day to its last."""
        return self.days(month) == (month.first_day, month.last_day)


class HourlyWeather(Source):
    """Fills `raw_data.hourly_weather`, one row per UTC hour: the hours of the New York month, and the hour after it.

    The hour after it holds the precipitation of the month's last hour.
    """

    name = "weather"
    title = "Weather"
    table = "hourly_weather"
    columns = {"time": "TIMESTAMP"} | dict.fromkeys(UNITS, "DOUBLE")
    block = Weather
    priority = 3
    asked_alone = "open_meteo"
    drawn = ("median_temperature_celsius", "precipitation_mm")

    def months(self, settings: Settings) -> list[Month]:
        """The months that the configured dates touch."""
        block = _block(settings)
        return block.months if block.enabled else []

    def request(self, month: Month | None, settings: Settings) -> dict[str, Any]:
        """The URL and its parameters."""
        assert month is not None
        return {
            "url": redacted(_block(settings).base_url),
            "params": self._params(month, settings),
            "hours": [str(hour) for hour in _hours(month, settings)],
        }

    def fetch(
        self, month: Month | None, settings: Settings, folder: Path, publisher: Publisher, known: Landed | None = None
    ) -> Landed:
        """Ask for the month, check the answer, and keep the parts that do not differ between equal answers.

        The API sends no ETag and no date, so only the content shows whether anything has changed.
        """
        assert month is not None
        block = _block(settings)
        url = asking(block.base_url, self._params(month, settings))
        try:
            answer = publisher.get(url, pace_seconds=60 * _calls(month, settings) / block.calls_per_minute)
        except FetchFailed as error:
            if _OUT_OF_RANGE in str(error) and month.may_be_unpublished(dt.datetime.now(dt.UTC).date()):
                raise NotPublished(f"weather {month} is not published yet ({error})") from error
            raise
        path = folder / f"open-meteo-archive_{month}.json"
        write_atomically(path, answer)
        with set_aside_if_rejected(path):
            hourly = _checked(answer, path.name, _block(settings).location, *_hours(month, settings))
        content = json.dumps({"hourly_units": UNITS, "hourly": hourly}, separators=(",", ":")).encode()
        write_atomically(path, content)
        settled = _hours(month, settings)[1] + _SETTLING
        return Landed(
            path,
            redacted(url),
            len(content),
            hashlib.sha256(content).hexdigest(),
            settled_at=f"{settled.isoformat(timespec='milliseconds')}+00:00",
            remarks=_remarks(hourly, dt.datetime.now(dt.UTC).replace(tzinfo=None)),
        )

    def is_published(self, month: Month, settings: Settings, folder: Path, publisher: Publisher) -> bool:
        """Whether the month's last hour has a value. Open-Meteo also answers for days that it has no values for yet."""
        block = _block(settings)
        last = utc_hour(month.day_after)
        day = {"start_date": f"{last:%Y-%m-%d}", "end_date": f"{last:%Y-%m-%d}", "hourly": next(iter(UNITS))}
        try:
            answer = json.loads(publisher.get(asking(block.base_url, self._params(month, settings) | day)))
            return answer["hourly"][next(iter(UNITS))][last.hour] is not None
        except FetchFailed as error:
            if _OUT_OF_RANGE in str(error):
                return False
            raise
        except (ValueError, LookupError, TypeError) as error:
            raise Rejected(f"{redacted(block.base_url)}: does not answer with weather") from error

    def parts(self, landed: Landed, month: Month | None, scratch: Path, limits: Download) -> list[Part]:
        """The month's hours as Parquet."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        hourly = json.loads(landed.path.read_bytes())["hourly"]
        times = pa.array(hourly["time"]).cast(pa.timestamp("us"))
        table = pa.table({"time": times} | {name: pa.array(hourly[name], pa.float64()) for name in UNITS})
        path = scratch / f"{landed.path.stem}.parquet"
        pq.write_table(table, path)
        return [Part(landed.path.name, path, "parquet", {name: name for name in self.columns}, len(table))]

    def _params(self, month: Month, settings: Settings) -> dict[str, str]:
        block = _block(settings)
        first, last = _hours(month, settings)
        return {
            "latitude": f"{block.location.latitude}",
            "longitude": f"{block.location.longitude}",
            "start_date": f"{first:%Y-%m-%d}",
            "end_date": f"{last:%Y-%m-%d}",
            "hourly": ",".join(UNITS),
            "timezone": "GMT",
            "wind_speed_unit": "ms",
        }


def _block(settings: Settings) -> Weather:
    return settings.block(HourlyWeather.name, Weather)


def _hours(month: Month, settings: Settings) -> tuple[dt.datetime, dt.datetime]:
    first, last = _block(settings).days(month)
    return utc_hour(first), utc_hour(last + dt.timedelta(days=1))


def _remarks(hourly: Mapping[str, list[Any]], now: dt.datetime) -> dict[str, int]:
    """Count the hours without a value. Young hours may still get one, old hours stay as they are."""
    settled = f"{now - _SETTLING:%Y-%m-%dT%H:%M}"
    lacking = [time for time, *values in zip(*hourly.values(), strict=True) if None in values]
    old = sum(time < settled for time in lacking)
    return {"hours": len(hourly["time"]), "hours without a value": old, "hours to be filled in": len(lacking) - old}


def _calls(month: Month, settings: Settings) -> float:
    """How many calls a month's request counts as. With over ten variables, or over two weeks, it counts as several."""
    first, last = _hours(month, settings)
    days = (last.date() - first.date()).days + 1
    return max(1.0, len(UNITS) / 10, len(UNITS) / 10 * days / 14)


class _Answer(BaseModel):
    """The part of the API's answer that is used."""

    model_config = ConfigDict(strict=True)

    latitude: float | None = None
    longitude: float | None = None
    utc_offset_seconds: int | None = None
    hourly_units: dict[str, str | None]
    hourly: dict[str, list[str | float | None]]


def _checked(answer: bytes, name: str, asked: Location, first: dt.datetime, last: dt.datetime) -> dict[str, list[Any]]:
    """Check an answer, and return its hours from first to last, both included."""
    try:
        body = _Answer.model_validate_json(answer)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise Rejected(f"{name}: is not weather: {where} {problem['msg']}; it says {answer[:120]!r}") from error
    if body.utc_offset_seconds != 0:
        raise Rejected(f"{name}: is {body.utc_offset_seconds} seconds off UTC; GMT was asked for")
    _check_place(body, name, asked)
    for column, unit in UNITS.items():
        if body.hourly_units.get(column) != unit:
            raise Rejected(f"{name}: {column} is in {body.hourly_units.get(column)!r}, not in {unit!r}")
    return _cut(body.hourly, name, first, last)


def _check_place(body: _Answer, name: str, asked: Location) -> None:
    for coordinate in ("latitude", "longitude"):
        answered, wanted = getattr(body, coordinate), getattr(asked, coordinate)
        if answered is not None and abs(answered - wanted) > _MAX_DEGREES_OFF:
            raise Rejected(f"{name}: is the weather of {coordinate} {answered}; {wanted} was asked for")


def _cut(hourly: Mapping[str, list[Any]], name: str, first: dt.datetime, last: dt.datetime) -> dict[str, list[Any]]:
    times = hourly.get("time", [])
    for column in UNITS:
        values = hourly.get(column, [])
        if len(values) != len(times):
            raise Rejected(f"{name}: {column} has {len(values)} values for {len(times)} hours")
        for time, value in zip(times, values, strict=True):
            if not (value is None or (isinstance(value, float) and math.isfinite(value))):
                raise Rejected(f"{name}: {column} is {value!r} at {time}, which is no number")
    # The API answers with whole UTC days. If the first hour is not midnight, the values belong to other hours.
    midnight = first.replace(hour=0)
    labels = [midnight + number * _HOUR for number in range(24 * ((last.date() - first.date()).days + 1))]
    if times != [label.strftime("%Y-%m-%dT%H:%M") for label in labels]:
        raise Rejected(f"{name}: does not have each hour from {first} to {last}, in whole days of UTC")
    wanted = slice(labels.index(first), labels.index(last) + 1)
    return {column: hourly[column][wanted] for column in ("time", *UNITS)}
