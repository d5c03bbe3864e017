"""The configuration: its keys, their defaults and their checks. config/README.md describes every key."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit, urlunsplit

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from luigi_pipeline.errors import ConfigError, one_line
from luigi_pipeline.months import first_day, is_month, last_day, months_between
from luigi_pipeline.redaction import redacted


def _http_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.port != 0
        if "@" in parts.path:
            raise ValueError("it may be the end of a password")
    except ValueError:  # not its text, which may quote a part of the password
        raise ValueError("is not a URL; in a user name or password, write / ? # and @ as %2F %3F %23 and %40") from None
    if parts.scheme not in ("http", "https") or not usable or not url.isprintable() or " " in url:
        raise ValueError(f"must be an http or https URL, not {redacted(url)!r}")
    return urlunsplit(parts._replace(path=parts.path.rstrip("/"), fragment=""))


def _month_list(value: Any) -> Any:
    """Turn {from, to} into the list of months it stands for."""
    if isinstance(value, dict):
        if set(value) != {"from", "to"}:
            raise ValueError("must be a list of months or {from: YYYY-MM, to: YYYY-MM}")
        first, last = _month(value["from"]), _month(value["to"])
        if first > last:
            raise ValueError(f"from ({first}) is after to ({last})")
        return months_between(first, last)
    if not isinstance(value, list):
        raise ValueError("must be a list of months or {from: YYYY-MM, to: YYYY-MM}")
    return sorted({_month(month) for month in value})


def _month(value: Any) -> str:
    if not isinstance(value, str) or not is_month(value):
        raise ValueError(f'{value!r} is not a month; write it as "2024-09"')
    return value


def _date(value: Any) -> dt.date:
    # YAML reads an unquoted 2024-09-01 as a date, a quoted one as text: both mean the same to whoever wrote them.
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        value = dt.date.fromisoformat(value)
    if not isinstance(value, dt.date) or isinstance(value, dt.datetime):
        raise ValueError(f'{value!r} is not a date; write it as "2024-09-01"')
    if not 1940 <= value.year < 2100:  # Open-Meteo's archive begins in 1940
        raise ValueError(f"{value} is not between 1940 and 2099")
    return value


HttpUrl = Annotated[str, AfterValidator(_http_url)]
MonthList = Annotated[list[str], BeforeValidator(_month_list)]
Date = Annotated[dt.date, BeforeValidator(_date)]


class Section(BaseModel):
    """A block of the configuration: unknown keys and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class TripSource(Section):
    """A publisher of monthly trip files."""

    enabled: bool = True
    base_url: HttpUrl
    months: MonthList = []

    @model_validator(mode="after")
    def _enabled_has_months(self) -> TripSource:
        if self.enabled and not self.months:
            raise ValueError("months is empty: name at least one, or set enabled: false")
        return self


class YellowTaxi(TripSource):
    """TLC's CDN: trip files below /trip-data, the zone lookup below /misc."""

    base_url: HttpUrl = "https://d37ci6vzurychx.cloudfront.net"


class CitiBike(TripSource):
    """CitiBike's bucket, listed and matched by month."""

    base_url: HttpUrl = "https://s3.amazonaws.com/tripdata"


class Location(Section):
    """Where the weather is asked for, in degrees."""

    latitude: float = Field(default=40.7128, ge=-90, le=90)
    longitude: float = Field(default=-74.0060, ge=-180, le=180)


class Weather(Section):
    """Open-Meteo's archive, from start_date to end_date of New York time."""

    enabled: bool = True
    base_url: HttpUrl = "https://archive-api.open-meteo.com/v1/archive"
    start_date: Date | None = None
    end_date: Date | None = None
    location: Location = Location()
    calls_per_minute: float = Field(default=500, gt=0)

    @model_validator(mode="after")
    def _dates_in_order(self) -> Weather:
        if self.enabled and (self.start_date is None or self.end_date is None):
            raise ValueError("start_date and end_date are needed, or set enabled: false")
        if self.start_date and self.end_date and self.start_date > self.end_date:
            raise ValueError(f"start_date ({self.start_date}) is after end_date ({self.end_date})")
        return self

    @property
    def months(self) -> list[str]:
        """The months that the dates touch."""
        if self.start_date is None or self.end_date is None:
            return []
        return months_between(f"{self.start_date:%Y-%m}", f"{self.end_date:%Y-%m}")

    def days(self, month: str) -> tuple[dt.date, dt.date]:
        """The first and last New York day to ask for in a month; all of it where the dates do not touch it."""
        first, last = first_day(month), last_day(month)
        if month not in self.months:
            return first, last
        return max(self.start_date or first, first), min(self.end_date or last, last)


class Sources(Section):
    """The three publishers."""

    yellow_taxi: YellowTaxi
    citibike: CitiBike
    weather: Weather


class Download(Section):
    """How files are fetched, and what an archive may unpack to."""

    parallel: int = Field(default=3, ge=1, le=60)
    timeout_seconds: float = Field(default=120, gt=0)
    max_attempts: int = Field(default=5, ge=1)
    backoff_seconds: float = Field(default=1, ge=0)
    max_wait_seconds: float = Field(default=3700, ge=0)
    keep_landed: bool = True
    max_file_bytes: int = Field(default=20_000_000_000, gt=0)
    max_archive_bytes: int = Field(default=20_000_000_000, gt=0)
    max_archive_ratio: float = Field(default=100, gt=1)
    max_archive_members: int = Field(default=10_000, gt=0)


class Warehouse(Section):
    """What DuckDB may use, and how long to wait for another program that has the file open."""

    threads: int = Field(default=2, ge=1)
    memory_limit: str = Field(default="1GB", pattern=r"^\d+(\.\d+)? ?([KMGT]i?B)$")
    wait_seconds: float = Field(default=300, ge=0)


class MinRows(Section):
    """The least rows that all loaded months of a source hold together."""

    yellow_taxi: int = Field(default=1000, ge=0)
    citibike: int = Field(default=1000, ge=0)
    weather: int = Field(default=100, ge=0)


class Validation(Section):
    """Thresholds of the expectations that belong to a deployment."""

    min_rows: MinRows = MinRows()


class Settings(Section):
    """The whole configuration."""

    sources: Sources
    download: Download = Download()
    warehouse: Warehouse = Warehouse()
    validation: Validation = Validation()

    def source(self, name: str) -> YellowTaxi | CitiBike | Weather:
        """The block of one source."""
        block: YellowTaxi | CitiBike | Weather = getattr(self.sources, name)
        return block


def load(path: Path) -> Settings:
    """Read and check a configuration file.

    Args:
        path: The YAML file.

    Returns:
        The settings, defaults filled in.

    Raises:
        ConfigError: The file can't be read, or a key is unknown, missing or wrong.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: can't be read ({error.strerror}); --mobility-config names another file") from error
    except yaml.MarkedYAMLError as error:
        # Its own text quotes the line, which may hold a password.
        where = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ConfigError(f"{path}: is not YAML{where}: {error.problem or error.context}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is not YAML: {one_line(error)}") from error
    try:
        return Settings.model_validate(content)
    except ValidationError as error:
        # Not from the error, which quotes the values, a password among them perhaps.
        raise ConfigError("; ".join(_explain(path, problem) for problem in error.errors()[:3])) from None


def _explain(path: Path, problem: Any) -> str:
    key = ".".join(str(part) for part in problem["loc"]) or "the file"
    if problem["type"] == "extra_forbidden":
        return f"{path}: unknown key {key}"
    if problem["type"] == "missing":
        return f"{path}: missing key {key}"
    return f"{path}: {key}: {problem['msg'].removeprefix('Value error, ')}"
