"""The warehouse of the real files, compared with what Python alone makes of the same files."""

import csv
import datetime as dt
import io
import json
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pytest
import yaml
from fixtures import Query, Run

from luigi_pipeline.core.datadir import DataDir

NEW_YORK = ZoneInfo("America/New_York")
TAXI_MONTHS = ("2020-02", "2024-01", "2025-02")
BIKE_FILES = {
    "2020-02": "2020-citibike-tripdata.zip",
    "2024-01": "202401-citibike-tripdata.zip",
    "2024-09": "202409-citibike-tripdata.zip",
}


def to_utc(wall: dt.datetime, *, fold: int = 0) -> dt.datetime:
    """The instant of a New York wall time; fold 0 reads a repeated hour as EDT, a missing one as EST."""
    return wall.replace(tzinfo=NEW_YORK, fold=fold).astimezone(dt.UTC).replace(tzinfo=None)


def taxi_rows(shared: Path, month: str) -> list[dict[str, Any]]:
    table = pq.read_table(shared / "trip-data" / f"yellow_tripdata_{month}.parquet")
    return [{name.lower(): value for name, value in row.items()} for row in table.to_pylist()]


def bike_rows(shared: Path, month: str) -> list[dict[str, str]]:
    def read(archive: zipfile.ZipFile) -> Iterator[dict[str, str]]:
        for name in archive.namelist():
            if name.endswith(".zip"):
                yield from read(zipfile.ZipFile(io.BytesIO(archive.read(name))))
            elif name.endswith(".csv") and "__MACOSX" not in name:
                yield from csv.DictReader(io.StringIO(archive.read(name).decode(), newline=""))

    return list(read(zipfile.ZipFile(shared / "tripdata" / BIKE_FILES[month])))


def cents(value: float | None) -> Decimal:
    return Decimal(0) if value is None else Decimal(str(value)).quantize(Decimal("0.01"))


@pytest.mark.parametrize("month", TAXI_MONTHS)
def test_taxi_rows_and_money_are_those_of_the_file(real: DataDir, query: Query, shared: Path, month: str) -> None:
    rows = taxi_rows(shared, month)
    expected = (len(rows), *(sum(cents(row[name]) for row in rows) for name in ("fare_amount", "total_amount")))
    found = query(
        real,
        "select count(*), sum(fare_amount), sum(total_amount) from marts.fct_trips "
        f"where trip_type = 'yellow_taxi' and source_month = '{month}'",
    )
    assert found == [expected]


@pytest.mark.parametrize("month", TAXI_MONTHS)
def test_taxi_times_in_utc_follow_the_zones_rules(real: DataDir, query: Query, shared: Path, month: str) -> None:
    found: dict[int, dict[str, Any]] = dict(
        query(
            real,
            "select source_row, struct_pack(pickup_at_utc, dropoff_at_utc) from marts.fct_trips "
            f"where trip_type = 'yellow_taxi' and source_month = '{month}'",
        )
    )
    for number, row in enumerate(taxi_rows(shared, month), start=1):
        pickup, dropoff = to_utc(row["tpep_pickup_datetime"]), to_utc(row["tpep_dropoff_datetime"])
        assert tuple(found[number].values()) == (pickup, dropoff)


@pytest.mark.parametrize("month", TAXI_MONTHS)
def test_a_negative_row_voids_itself_and_one_positive_twin(
    real: DataDir, query: Query, shared: Path, month: str
) -> None:
    def key(row: dict[str, Any]) -> tuple[Any, ...]:
        names = ("vendorid", "tpep_pickup_datetime", "tpep_dropoff_datetime", "pulocationid", "dolocationid")
        return (*(row[name] for name in names), abs(row["total_amount"]))

    rows = taxi_rows(shared, month)
    owed = Counter(key(row) for row in rows if row["total_amount"] < 0)
    voided = set()
    for number, row in enumerate(rows, start=1):
        if row["total_amount"] < 0:
            voided.add(number)
        elif owed[key(row)] > 0:
            owed[key(row)] -= 1
            voided.add(number)
    found = query(
        real,
        f"select source_row from marts.fct_trips where is_voided and source_month = '{month}' "
        "and trip_type = 'yellow_taxi'",
    )
    assert {row for (row,) in found} == voided
    assert len(voided) > 30


@pytest.mark.parametrize("month", BIKE_FILES)
def test_rides_are_those_of_the_archives_members(real: DataDir, query: Query, shared: Path, month: str) -> None:
    rows = bike_rows(shared, month)
    started, ended, start_id = (
        ("starttime", "stoptime", "start station id")
        if "starttime" in rows[0]
        else ("started_at", "ended_at", "start_station_id")
    )
    seconds = sum(
        (dt.datetime.fromisoformat(row[ended]) - dt.datetime.fromisoformat(row[started]) for row in rows),
        dt.timedelta(),
    )
    found = query(
        real,
        "select count(*), round(sum(duration_minutes) * 60)::bigint, count(distinct start_station_id) "
        f"from marts.fct_trips where trip_type = 'citibike' and source_month = '{month}'",
    )
    stations = {row[start_id] for row in rows if row[start_id]}
    assert found == [(len(rows), round(seconds.total_seconds()), len(stations))]


def test_ids_that_look_like_numbers_stay_text(real: DataDir, query: Query, shared: Path) -> None:
    published = {row["ride_id"] for row in bike_rows(shared, "2024-09")}
    assert {
        row for (row,) in query(real, "select ride_id from raw_data.trips where _source_month = '2024-09'")
    } == published
    stations = {row["end_station_id"] for row in bike_rows(shared, "2024-09")} - {""}
    found = query(real, "select distinct end_station_id from raw_data.trips where _source_month = '2024-09'")
    assert {row for (row,) in found} - {None} == stations


def test_a_trip_gets_the_temperature_at_its_hour_and_what_fell_in_it(real: DataDir, query: Query, shared: Path) -> None:
    hourly = json.loads((shared / "archive" / "2024.json").read_text())["hourly"]
    at = {dt.datetime.fromisoformat(text): number for number, text in enumerate(hourly["time"])}
    found = query(
        real,
        "select hour_utc, temperature_celsius, precipitation_mm from marts.dim_weather "
        "where hour_nyc >= '2024-01-01' and hour_nyc < '2024-02-01'",
    )
    assert len(found) == 31 * 24
    for hour, temperature, precipitation in found:
        assert float(temperature) == hourly["temperature_2m"][at[hour]]
        assert float(precipitation) == hourly["precipitation"][at[hour] + 1]


def test_hourly_trips_add_up_to_the_trips_that_count(real: DataDir, query: Query, shared: Path) -> None:
    counted: dict[str, int] = defaultdict(int)
    for month in BIKE_FILES:
        for row in bike_rows(shared, month):
            names = ("starttime", "stoptime") if "starttime" in row else ("started_at", "ended_at")
            start, end = (dt.datetime.fromisoformat(row[name]) for name in names)
            counted[month] += dt.timedelta() <= end - start <= dt.timedelta(hours=24)
    found = query(real, "select sum(trips) from marts.fct_hourly_mobility where trip_type = 'citibike'")
    assert found == [(sum(counted.values()),)]


def test_bikes_peak_when_people_go_to_work_and_home(real: DataDir, query: Query) -> None:
    found = query(
        real,
        "select pickup_hour_of_day from marts.fct_trips join marts.dim_date on pickup_date = date_day "
        "where trip_type = 'citibike' and not is_weekend group by 1 order by count(*) desc limit 3",
    )
    assert {hour for (hour,) in found} == {8, 17, 18}


def test_every_expectation_holds(real: DataDir) -> None:
    report = json.loads((real.validation / "report.json").read_text())
    assert [item for item in report["results"] if item["status"] in ("failed", "errored")] == []
    assert len(report["suites"]) == 11
    assert len(report["results"]) >= 56


def test_every_expectation_holds_where_the_archive_has_no_precipitation(
    replay: str, run_luigi: Run, query: Query, tmp_path: Path
) -> None:
    config = tmp_path / "ingestion.yaml"
    sources = {
        "yellow_taxi": {"base_url": replay, "months": ["2020-02"]},
        "citibike": {"base_url": f"{replay}/tripdata", "months": ["2020-02"]},
        "weather": {"base_url": f"{replay}/v1/archive", "start_date": "2020-02-01", "end_date": "2020-02-29"},
    }
    config.write_text(yaml.safe_dump({"sources": sources}), encoding="utf-8")
    data = DataDir(tmp_path / "data")
    result = run_luigi("Validate", data_dir=data.root, config=config)
    assert result.returncode == 0, result.stderr
    report = json.loads((data.validation / "report.json").read_text())
    assert [item for item in report["results"] if item["status"] in ("failed", "errored")] == []
    found = query(data, "select precipitation_type, count(*) from marts.dim_weather where is_covered group by 1")
    assert found == [("unknown", 29 * 24)], "a null is unknown, never the last branch"
