"""Generating a folder of sample files, with the layout that the three publishers serve."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from luigi_pipeline.core.months import Month
from luigi_pipeline.sample.bike_file import write_bike_month
from luigi_pipeline.sample.clock import DAY_SECONDS
from luigi_pipeline.sample.taxi_file import write_taxi_month
from luigi_pipeline.sample.weather import write_weather
from luigi_pipeline.sample.zones import write_zones

DEFAULT_MONTHS = ("2024-10", "2024-11")
DEFAULT_ROWS = 75_000
DEFAULT_SEED = 2024
# Enough rows for one of every oddity.
FEWEST_ROWS = 100
# Earlier rides have another CSV header, which the sample does not have.
FIRST_MONTH = Month("2021-02")
# The files of a month are published up to two months later.
LAST_MONTH = Month("2099-10")


def generate(
    folder: Path,
    *,
    months: Sequence[str] = DEFAULT_MONTHS,
    taxi_trips_per_month: int = DEFAULT_ROWS,
    rides_per_month: int = DEFAULT_ROWS,
    seed: int = DEFAULT_SEED,
) -> dict[str, int]:
    """Write a seeded sample of what TLC, CitiBike and Open-Meteo publish.

    A file depends only on the seed, its own month (or year) and its size. The same arguments give the same bytes, and a
    month that is generated alone is equal to the same month generated with others. Each file has the date that its
    publisher would give it.

    Args:
        folder: The folder to write to. It is created if it is missing. Other files in it stay.
        months: New York months, `YYYY-MM`. Weather is written for each year that they touch, and for the year after a
            December.
        taxi_trips_per_month: The number of rows of each month's yellow taxi file.
        rides_per_month: The number of rows of each month's CitiBike archive.
        seed: Any number from 0.

    Returns:
        The number of rows of each file that was written, by its path in the folder.

    Raises:
        ValueError: A month, a size or the seed is out of range; nothing is written.
    """
    wanted = sorted({Month(text) for text in months})
    _check(wanted, min(taxi_trips_per_month, rides_per_month), seed)
    rows: dict[str, int] = {}

    def put(path: str, published: Month, write: Callable[[Path], int]) -> None:
        rows[path] = _put(folder / path, published, write)

    put("misc/taxi_zone_lookup.csv", Month("2024-01"), write_zones)
    for year in sorted({m.year for month in wanted for m in (month, month.next)}):
        write = partial(write_weather, seed=seed, year=year)
        put(f"archive/{year}.json", Month(f"{year + 1}-01"), write)
    for month in wanted:
        trips = partial(write_taxi_month, seed=seed, month=month, rows=taxi_trips_per_month)
        put(f"trip-data/yellow_tripdata_{month}.parquet", month.shift(2), trips)
        rides = partial(write_bike_month, seed=seed, month=month, rows=rides_per_month)
        put(f"tripdata/{month.compact}-citibike-tripdata.zip", month.next, rides)
    return rows


def _check(months: list[Month], fewest: int, seed: int) -> None:
    if not months:
        raise ValueError("the sample needs at least one month")
    if months[0] < FIRST_MONTH:
        raise ValueError(f"month {months[0]} is before {FIRST_MONTH}, the sample's first")
    if months[-1] > LAST_MONTH:
        raise ValueError(f"month {months[-1]} is after {LAST_MONTH}, the sample's last")
    if fewest < FEWEST_ROWS:
        raise ValueError(f"a month needs at least {FEWEST_ROWS} trips, not {fewest}")
    if seed < 0:
        raise ValueError(f"seed {seed} is below 0")


def _put(path: Path, published: Month, write: Callable[[Path], int]) -> int:
    """Write a file beside its place, date it, and rename it, so that a server never shows half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    try:
        rows = write(beside)
        dated = dt.datetime(published.year, published.number, 5, tzinfo=dt.UTC).timestamp()
        os.utime(beside, (dated, dated + DAY_SECONDS // 2))
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return rows
