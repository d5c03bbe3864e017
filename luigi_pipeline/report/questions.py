"""The page's questions to the metrics. All its numbers about trips come from here, except those of month profiles."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luigi_pipeline import metrics, sources
from luigi_pipeline.report import profiles
from luigi_pipeline.report.datasets import MODES, Dataset
from luigi_pipeline.report.effects import Hour, compare

TOTALS = (
    "total_trips",
    "total_revenue",
    "avg_fare",
    "tip_rate_pct",
    "avg_trip_distance_miles",
    "avg_trip_speed_mph",
    "electric_bike_share_pct",
    "weather_coverage_pct",
)
BY_MODE = (
    "total_trips",
    "part_recorded_trips",
    "voided_trip_rate_pct",
    "suspect_trip_rate_pct",
)
# The metrics that modes are compared by.
COMPARED = (
    "share_of_all_trips_pct",
    "median_trip_duration_minutes",
    "p95_trip_duration_minutes",
    "rain_effect_pct",
)
_MONTH = "trip_date__month"
# The trip is on a day that its mode covers. The other condition: all modes cover the day, so they can be compared.
COVERED = "coalesce(covering_modes like '%' || trip_type || '%', false)"
COVERED_BY_ALL = "is_covered_by_all_modes"


def of_mode(mode: str) -> str:
    """The condition that a trip is of a mode."""
    return f"trip_type = '{mode}'"


def _of_modes(modes: Sequence[str]) -> str:
    """The condition that a trip is of one of some modes."""
    return of_mode(modes[0]) if len(modes) == 1 else f"trip_type in ({', '.join(map(repr, modes))})"


# The trip is of a mode that has fares, or zones.
WITH_FARES = _of_modes([name for name, mode in sources.MODES.items() if mode.has_fares])
WITH_ZONES = _of_modes([name for name, mode in sources.MODES.items() if mode.has_zones])


@dataclass(frozen=True)
class Answers:
    """All answers.

    Attributes:
        totals: Metrics over everything.
        by_mode: Metrics of each mode that has trips.
        compared: Metrics of each mode over the days that all modes cover; empty if there is no such day.
        compared_days: The days that all modes cover.
        covered_days: The days that at least one mode covers.
        datasets: The charts' tables, by name.
    """

    totals: dict[str, Any]
    by_mode: dict[str, dict[str, Any]]
    compared: dict[str, dict[str, Any]]
    compared_days: set[dt.date]
    covered_days: set[dt.date]
    datasets: dict[str, Dataset]

    @property
    def modes(self) -> list[str]:
        """The titles of the modes that have trips."""
        return [title for name, title in MODES.items() if name in self.by_mode]


def ask(data_dir: Path) -> Answers:
    """Ask all questions about the published data of a data dir.

    Raises:
        WarehouseError: Nothing is published, or it can't be read.
    """
    asker = _Asker(data_dir)
    (totals,) = asker.rows(TOTALS)
    by_mode = {row["trip_type"]: row for row in asker.rows(BY_MODE, ["trip_type"])}
    compared = {row["trip_type"]: row for row in asker.rows(COMPARED, ["trip_type"], [COVERED_BY_ALL])}
    hours = list(_hours(asker))
    compared_days, covered_days = asker.days([COVERED_BY_ALL]), asker.days()
    made = [
        Dataset.of(
            "hourly",
            ("day", "hour", "mode", "trips", "temperature"),
            ((hour.day, hour.hour_of_day, MODES[hour.mode], hour.trips, hour.temperature) for hour in hours),
        ),
        _daily(asker, hours, compared_days),
        Dataset.of(
            "effects", ("condition", "mode", "effect", "hours", "trips", "expected"), compare(hours, compared_days)
        ),
        *_distributions(asker),
        *_places(asker),
        *_money(asker),
        _flagged(asker),
        profiles.ask(data_dir),
    ]
    datasets = {dataset.name: dataset for dataset in made}
    return Answers(totals, by_mode, compared, compared_days, covered_days, datasets)


class _Asker:
    """Queries the metrics of one data dir."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir

    def rows(self, names: Sequence[str], by: Sequence[str] = (), where: Sequence[str] = ()) -> list[dict[str, Any]]:
        """The answer, row by row."""
        answer: list[dict[str, Any]] = metrics.query(list(names), by, where, data_dir=self._data_dir).to_pylist()
        return answer

    def days(self, where: Sequence[str] = ()) -> set[dt.date]:
        """The days that at least one mode covers."""
        return {row["trip_date__day"].date() for row in self.rows(["part_covered_days"], ["trip_date__day"], where)}

    def dataset(self, name: str, columns: dict[str, str], names: Sequence[str], where: Sequence[str] = ()) -> Dataset:
        """The answer as a table.

        Args:
            name: The name of the table.
            columns: Names of its columns, by what they hold: a dimension or a metric.
            names: The metrics.
            where: Conditions.
        """
        rows = self.rows(names, [asked for asked in columns if asked not in names], where)
        values = ([_shown(asked, row[asked]) for asked in columns] for row in rows)
        return Dataset.of(name, list(columns.values()), values)


def _shown(asked: str, value: Any) -> Any:
    if asked == "trip_type":
        return MODES.get(value, value)
    if asked == _MONTH:
        return value and f"{value:%Y-%m}"
    return value


def _hours(asker: _Asker) -> Iterator[Hour]:
    by = {
        "weather__hour_utc__hour": "hour_utc",
        "trip_date__hour": "hour_nyc",
        "trip_type": "mode",
        "weather__temperature_celsius": "temperature",
        "weather__precipitation_type": "precipitation",
        "weather__precipitation_mm": "precipitation_mm",
    }
    for row in asker.rows(["part_covered_trips"], list(by), ["is_exposed"]):
        nyc: dt.datetime = row["trip_date__hour"]
        mm, degrees = row["weather__precipitation_mm"], row["weather__temperature_celsius"]
        yield Hour(
            day=nyc.date(),
            hour_of_day=nyc.hour,
            mode=row["trip_type"],
            trips=int(row["part_covered_trips"] or 0),
            temperature=None if degrees is None else float(degrees),
            precipitation=row["weather__precipitation_type"],
            is_dry=mm is not None and mm == 0,
        )


def _daily(asker: _Asker, hours: Sequence[Hour], compared_days: Collection[dt.date]) -> Dataset:
    """A row for every day and mode, from the first day to the last. Values are null if the mode's month is not loaded.

    `compared` is 1 on days that all modes cover.
    """
    asked = ("total_trips", "avg_trip_duration_minutes")
    answer = {
        (row["trip_date__day"].date(), row["trip_type"]): row
        for row in asker.rows(asked, ["trip_date__day", "trip_type"], [COVERED])
        if row["trip_date__day"] is not None
    }
    covered = {(hour.day, hour.mode) for hour in hours}
    degrees: dict[dt.date, list[float]] = defaultdict(list)
    for hour in hours:
        if hour.temperature is not None:
            degrees[hour.day].append(hour.temperature)
    days = sorted({day for day, _ in covered})
    rows = []
    for day in _days(days[0], days[-1]) if days else []:
        for mode in sorted({mode for _, mode in covered}, reverse=True):
            row = answer.get((day, mode), {})
            trips = row.get("total_trips", 0) if (day, mode) in covered else None
            warmth = sum(degrees[day]) / len(degrees[day]) if degrees[day] else None
            warmth = None if warmth is None else round(warmth, 1)
            compared = int(day in compared_days)
            rows.append((day, MODES[mode], trips, row.get("avg_trip_duration_minutes"), warmth, compared))
    return Dataset.of("daily", ("day", "mode", "trips", "minutes", "temperature", "compared"), rows)


def _days(first: dt.date, last: dt.date) -> list[dt.date]:
    return [first + dt.timedelta(days=at) for at in range((last - first).days + 1)]


def _distributions(asker: _Asker) -> Iterator[Dataset]:
    columns = {_MONTH: "month", "trip_type": "mode", "duration_band_minutes": "minutes", "total_trips": "trips"}
    yield asker.dataset("durations", columns, ["total_trips"], ["duration_band_minutes is not null", COVERED_BY_ALL])
    columns = {_MONTH: "month", "trip_type": "mode", "distance_band_miles": "miles", "total_trips": "trips"}
    yield asker.dataset("distances", columns, ["total_trips"], ["distance_band_miles is not null", COVERED])


def _places(asker: _Asker) -> Iterator[Dataset]:
    rows: list[tuple[Any, ...]] = []
    columns = ("month", "direction", "zone", "borough", "airport", "trips")
    for end, direction in (("pickup", "Pick-up"), ("dropoff", "Drop-off")):
        by = [_MONTH, f"{end}_zone_name", f"{end}_borough", f"{end}_is_airport"]
        for row in asker.rows(["total_trips"], by, [WITH_ZONES, COVERED]):
            month, zone, borough, airport = (row[name] for name in by)
            if zone is not None:
                rows.append((f"{month:%Y-%m}", direction, zone, borough, int(bool(airport)), row["total_trips"]))
    yield Dataset.of("zones", columns, rows)
    flows = {
        _MONTH: "month",
        "pickup_borough": "origin",
        "dropoff_borough": "destination",
        "total_trips": "trips",
    }
    yield asker.dataset("flows", flows, ["total_trips"], [WITH_ZONES, COVERED, "pickup_borough is not null"])


def _money(asker: _Asker) -> Iterator[Dataset]:
    asked = ("avg_fare", "tip_rate_pct", "total_revenue")
    of_day = {
        row["trip_date__day"].date(): [row[name] for name in asked]
        for row in asker.rows(asked, ["trip_date__day"], [WITH_FARES, COVERED])
    }
    # Days without taxi trips are there as nulls, so that lines have a gap.
    days = _days(min(of_day), max(of_day)) if of_day else []
    nothing = [None] * len(asked)
    yield Dataset.of("fares", ("day", "fare", "tips", "revenue"), ([day, *of_day.get(day, nothing)] for day in days))
    names = ("total_trips", "part_metered_fares", "part_tips_in_cents")
    rows = []
    for row in asker.rows(names, [_MONTH, "payment_type"], [WITH_FARES, COVERED]):
        tips = (row["part_tips_in_cents"] or 0) / 100
        kind = row["payment_type"] or "not recorded"
        rows.append((f"{row[_MONTH]:%Y-%m}", kind, row["total_trips"], row["part_metered_fares"] or 0, tips))
    yield Dataset.of("payments", ("month", "payment", "trips", "fares", "tips"), rows)


def _flagged(asker: _Asker) -> Dataset:
    names = ["part_recorded_trips", "voided_trip_rate_pct", "suspect_trip_rate_pct"]
    rows = []
    for row in asker.rows(names, [_MONTH, "trip_type"], [COVERED]):
        for name, kind in (("voided_trip_rate_pct", "Voided"), ("suspect_trip_rate_pct", "Suspect")):
            rows.append((f"{row[_MONTH]:%Y-%m}", MODES[row["trip_type"]], kind, row[name], row["part_recorded_trips"]))
    return Dataset.of("flagged", ("month", "mode", "flag", "rate", "recorded"), rows)
