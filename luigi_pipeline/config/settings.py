"""The configuration: its keys, their defaults and their checks. config/README.md describes every key."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar
from urllib.parse import urlsplit, urlunsplit

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PlainValidator,
    PrivateAttr,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from luigi_pipeline.core import yamlfiles
from luigi_pipeline.core.errors import ConfigError, one_line
from luigi_pipeline.core.months import Month
from luigi_pipeline.core.redaction import redacted


def _http_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.port != 0
        if "@" in parts.path:
            raise ValueError("it may be the end of a password")
    except ValueError:  # not its own text, which may quote a part of the password
        raise ValueError("is not a URL; in a user name or password, write / ? # and @ as %2F %3F %23 and %40") from None
    if parts.scheme not in ("http", "https") or not usable or not url.isprintable() or " " in url:
        raise ValueError(f"must be an http or https URL, not {redacted(url)!r}")
    return urlunsplit(parts._replace(path=parts.path.rstrip("/"), fragment=""))


def _month_list(value: Any) -> list[Month]:
    """Turn {from, to} into a list of months."""
    if isinstance(value, dict):
        if set(value) != {"from", "to"}:
            raise ValueError("must be a list of months or {from: YYYY-MM, to: YYYY-MM or latest}")
        first, last = _month(value["from"]), _month(value["to"])
        if first > last:
            raise ValueError(f"from ({first}) is after to ({last})")
        return Month.between(first, last)
    if not isinstance(value, list):
        raise ValueError("must be a list of months or {from: YYYY-MM, to: YYYY-MM or latest}")
    return sorted({_month(month) for month in value})


def _month(value: Any) -> Month:
    month = Month.or_none(value) if isinstance(value, str) else None
    if month is None:
        raise ValueError(f'{value!r} is not a month; write it as "2024-09"')
    return month


def _date(value: Any) -> dt.date:
    # YAML reads an unquoted 2024-09-01 as a date, and a quoted one as text. Both mean the same to the user.
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        value = dt.date.fromisoformat(value)
    if not isinstance(value, dt.date) or isinstance(value, dt.datetime):
        raise ValueError(f'{value!r} is not a date; write it as "2024-09-01"')
    if not 1940 <= value.year < 2100:  # Open-Meteo's archive begins in 1940
        raise ValueError(f"{value} is not between 1940 and 2099")
    return value


LATEST = "latest"

HttpUrl = Annotated[str, AfterValidator(_http_url)]
MonthKey = Annotated[Month, PlainValidator(_month)]
MonthList = Annotated[list[Month], PlainValidator(_month_list)]
Date = Annotated[dt.date, BeforeValidator(_date)]


S = TypeVar("S", bound="Section")


class Section(BaseModel):
    """A block of the configuration. Unknown keys and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Published(Section):
    """A source to which the publisher adds months.

    `months` may go up to the newest published month: `{from: "2024-09", to: latest}`. The file does not say which month
    that is. Until it is known, `from` is the only month.
    """

    enabled: bool = True
    usual_delay_days: int = Field(default=0, ge=0)

    _latest_from: Month | None = PrivateAttr(default=None)

    @model_validator(mode="wrap")
    @classmethod
    def _take_latest(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        value, first = cls._without_latest(value) if isinstance(value, dict) else (value, None)
        made = handler(value)
        made._latest_from = Month(first) if first else None
        return made

    @classmethod
    def _without_latest(cls, value: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
        """For `to: latest`, the block with only its first month, and that month.

        Otherwise the block as it is, and None.
        """
        months = value.get("months")
        if not isinstance(months, dict) or months.get("to") != LATEST:
            return value, None
        first = months.get("from")
        return value | {"months": months | {"to": first}}, first

    @property
    def latest_from(self) -> Month | None:
        """The first month, if the last one is `latest`; otherwise None."""
        return self._latest_from if self.enabled else None


class TripSource(Published):
    """A publisher of monthly trip files."""

    base_url: HttpUrl
    months: MonthList = []

    def until(self, newest: Month) -> Self:
        """A copy that ends with the given month."""
        return self.model_copy(update={"months": Month.between(self.months[0], newest)})

    @model_validator(mode="after")
    def _enabled_has_months(self) -> TripSource:
        if self.enabled and not self.months:
            raise ValueError("months is empty: name at least one, or set enabled: false")
        return self


class YellowTaxi(TripSource):
    """TLC's CDN, with trip files below /trip-data, and the zone lookup below /misc."""

    base_url: HttpUrl = "https://d37ci6vzurychx.cloudfront.net"
    usual_delay_days: int = Field(default=75, ge=0)


class CitiBike(TripSource):
    """CitiBike's bucket. It is listed, and its keys are matched by month."""

    base_url: HttpUrl = "https://s3.amazonaws.com/tripdata"
    usual_delay_days: int = Field(default=10, ge=0)


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
            start = _date(value.get("start_date"))
            return value | {"end_date": Month.of(start).last_day}, Month.of(start)
        value, first = super()._without_latest(value)
        if "months" not in value:
            return value, first
        if "start_date" in value or "end_date" in value:
            raise ValueError("has months beside start_date or end_date; leave one of them out")
        months = _month_list(value["months"])
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


# The sources that come in months. The taxi zones are a single file.
MONTHLY_SOURCES = ("yellow_taxi", "citibike", "weather")
# The sources of trips. Each is a mode of travel, with the same name (trip_type).
MODES = ("yellow_taxi", "citibike")


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
    """DuckDB's limits, and how long to wait for another program that has the file open."""

    threads: int = Field(default=2, ge=1)
    memory_limit: str = Field(default="1GB", pattern=r"^\d+(\.\d+)? ?([KMGT]i?B)$")
    wait_seconds: float = Field(default=300, ge=0)

    def share(self, part: float, threads: int) -> Warehouse:
        """A copy with a share of the memory, for work beside other work."""
        number = self.memory_limit.rstrip("KMGTiB ")
        unit = self.memory_limit.removeprefix(number).strip()
        return self.model_copy(update={"threads": threads, "memory_limit": f"{float(number) * part:.3f}{unit}"})


class MinRows(Section):
    """The least number of rows in all loaded months of a source. By default there is no limit."""

    yellow_taxi: int | None = Field(default=None, ge=0)
    citibike: int | None = Field(default=None, ge=0)
    weather: int | None = Field(default=None, ge=0)


def _accepted_months(value: Any) -> list[Month]:
    return _month_list([value] if isinstance(value, str) else value)


class Accepted(Section):
    """Findings that somebody has accepted: of a source, in one or more months, of one statistic or of any ("*")."""

    source: Literal["yellow_taxi", "citibike", "weather"]
    months: Annotated[list[Month], PlainValidator(_accepted_months)]
    statistic: str = Field(pattern=r"^(\*|[a-z][a-z0-9_]*)$")
    why: str = Field(min_length=3)


class Validation(Section):
    """The deployment's own thresholds, what blocks publishing, and the accepted findings."""

    min_rows: MinRows = MinRows()
    block_on: Literal["critical", "warning"] = "critical"
    accepted: list[Accepted] = []
    accepted_file: str | None = None


class Alerts(Section):
    """Whom to notify of a failed run, of the next success, of a long overdue month, or of a new finding."""

    email: list[Annotated[str, Field(pattern=r"^[^@\s,]+@[^@\s,]+$")]] = []
    webhook: HttpUrl | None = None
    overdue_days: int = Field(default=3, ge=0)
    timeout_seconds: float = Field(default=15, gt=0, le=300)


class Settings(Section):
    """The whole configuration."""

    sources: Sources
    download: Download = Download()
    warehouse: Warehouse = Warehouse()
    validation: Validation = Validation()
    alerts: Alerts = Alerts()

    def until(self, newest: dict[str, Month]) -> Settings:
        """A copy in which each source that goes up to `latest` ends at its newest month."""
        blocks = {name: self.source(name).until(month) for name, month in newest.items()}
        return self.model_copy(update={"sources": self.sources.model_copy(update=blocks)}) if blocks else self

    def source(self, name: str) -> YellowTaxi | CitiBike | Weather:
        """The block of one source."""
        block: YellowTaxi | CitiBike | Weather = getattr(self.sources, name)
        return block


def load(path: Path) -> Settings:
    """Read and check a configuration file.

    Args:
        path: The YAML file.

    Returns:
        The settings, with defaults filled in.

    Raises:
        ConfigError: The file can't be read, or a key is unknown, missing or wrong.
    """
    made = _checked(Settings, _content(path, "--mobility-config names another file"), path)
    if made.validation.accepted_file is None:
        return made
    # A relative path is relative to the configuration file, wherever the run is started.
    named = path.parent / made.validation.accepted_file
    content = _content(named, f"validation.accepted_file in {path} names it")
    listed = _checked(_AcceptedFile, {"accepted": content}, named).accepted
    validation = made.validation.model_copy(update={"accepted": [*made.validation.accepted, *listed]})
    return made.model_copy(update={"validation": validation})


def _content(path: Path, advice: str) -> Any:
    try:
        return yamlfiles.read(path)
    except OSError as error:
        raise ConfigError(f"{path}: can't be read ({error.strerror}); {advice}") from error
    except yaml.MarkedYAMLError as error:
        # Not YAML's own text, which quotes the line: it may hold a password.
        where = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ConfigError(f"{path}: is not YAML{where}: {error.problem or error.context}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is not YAML: {one_line(error)}") from error


class _AcceptedFile(Section):
    """A file of its own with the list of accepted findings."""

    accepted: list[Accepted]


def _checked(kind: type[S], content: Any, path: Path) -> S:
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        # Not the error's own text, which quotes values: one may be a password.
        raise ConfigError("; ".join(_explain(path, problem) for problem in error.errors()[:3])) from None


def _explain(path: Path, problem: ErrorDetails) -> str:
    return yamlfiles.explain(path, ".".join(str(part) for part in problem["loc"]) or "the file", problem)
