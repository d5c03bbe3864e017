"""Months that are unusual and true: each is loaded, built, validated and published, alone or beside others."""

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import yaml
from fixtures import Query, Result, Run
from support import LEGACY, configuration, lines

from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.sample import Publishers, generate
from luigi_pipeline.validation.plausibility import PROFILES

MONTHS = [f"2024-0{number}" for number in range(1, 9)]
ROWS = 400
Ride = dict[str, str]


def replaced(trips: pa.Table, **columns: Any) -> pa.Table:
    """The trips with other values in some columns."""
    for name, values in columns.items():
        position = trips.schema.get_field_index(name)
        filled = values if isinstance(values, pa.ChunkedArray | pa.Array) else pa.array([values] * len(trips))
        trips = trips.set_column(position, name, filled.cast(trips.schema.field(name).type))
    return trips


def first_row(trips: pa.Table, **values: Any) -> pa.Table:
    """The trips, the first one with other values."""
    return pa.concat_tables([replaced(trips.slice(0, 1), **values), trips.slice(1)])


def without_day(trips: pa.Table, day: int) -> pa.Table:
    return trips.filter(pc.not_equal(pc.day(trips["tpep_pickup_datetime"]), day))


def stray(trips: pa.Table, time: str) -> pa.Table:
    """The trips, the first one with a clock gone mad."""
    times = pa.array([np.datetime64(time, "us")])
    return first_row(trips, tpep_pickup_datetime=times, tpep_dropoff_datetime=times)


# What happened in New York, or to TLC's file, by month.
TAXI: dict[str, tuple[str, Callable[[pa.Table], pa.Table]]] = {
    "2024-01": ("twenty trips in all", lambda trips: trips.slice(0, 20)),
    "2024-02": ("some trips twice", lambda trips: pa.concat_tables([trips, trips.slice(0, 40)])),
    "2024-03": (
        "one vendor, which writes the pick-up for the drop-off",
        lambda trips: replaced(trips, VendorID=7, tpep_dropoff_datetime=trips["tpep_pickup_datetime"]),
    ),
    "2024-04": ("no trip on two days", lambda trips: without_day(without_day(trips, 14), 15)),
    "2024-05": (
        "slips of the hand",
        lambda trips: pa.concat_tables(
            [
                first_row(trips, fare_amount=863_000.0, total_amount=863_004.0),
                first_row(trips.slice(1, 1), fare_amount=-2_555.0, total_amount=-2_555.0),
            ]
        ),
    ),
    "2024-06": ("codes that are new", lambda trips: replaced(trips, VendorID=9, payment_type=9, RatecodeID=9)),
    "2024-07": (
        "clocks of the years 1 and 9999",
        lambda trips: pa.concat_tables([stray(trips, "0001-01-01T00:00:00"), stray(trips, "9999-12-31T23:59:59")]),
    ),
    "2024-08": (
        "all to and from nowhere known, for whole dollars",
        lambda trips: replaced(trips, PULocationID=265, DOLocationID=265, fare_amount=20.0, total_amount=20.0),
    ),
}


def with_members(rides: list[Ride], per_thousand: int) -> list[Ride]:
    few = len(rides) * per_thousand // 1000
    return [ride | {"member_casual": "member" if place < few else "casual"} for place, ride in enumerate(rides)]


def each(rides: list[Ride], **values: str) -> list[Ride]:
    return [ride | values for ride in rides]


BIKES: dict[str, tuple[str, Callable[[list[Ride]], list[Ride]]]] = {
    "2024-01": ("twenty rides in all", lambda rides: rides[:20]),
    "2024-02": ("no electric bikes", lambda rides: each(rides, rideable_type="classic_bike")),
    "2024-03": ("members at 11.9 %", lambda rides: with_members(rides, 119)),
    "2024-04": (
        "closed for three days",
        lambda rides: [r for r in rides if r["started_at"][8:10] not in ("14", "15", "16")],
    ),
    "2024-05": (
        "no stations",
        lambda rides: each(rides, start_station_id="", end_station_id="", end_lat="", end_lng=""),
    ),
    "2024-06": ("station ids without their last zero", lambda rides: each(rides, start_station_id="5379.1")),
    "2024-07": ("all of them take no time", lambda rides: [ride | {"ended_at": ride["started_at"]} for ride in rides]),
    "2024-08": ("one station, and places to the mile", lambda rides: each(rides, start_lat="40.7", start_lng="-74.0")),
}


def change_rides(path: Path, change: Callable[[list[Ride]], list[Ride]]) -> None:
    """Write another archive in place of one, of one member."""
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if not name.startswith("__MACOSX")]
        texts = [archive.read(name).decode() for name in names]
    rides = [ride for text in texts for ride in csv.DictReader(io.StringIO(text, newline=""))]
    written = io.StringIO(newline="")
    writer = csv.DictWriter(written, list(rides[0]))
    writer.writeheader()
    writer.writerows(change(rides))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(names[0], written.getvalue())


def change_weather(path: Path, change: Callable[[str, dict[str, Any]], None]) -> None:
    """Change hours of a year's weather: `change` is given an hour and its measures."""
    answer = json.loads(path.read_text())
    hourly: dict[str, list[Any]] = answer["hourly"]
    for place, time in enumerate(hourly["time"]):
        hour = {name: values[place] for name, values in hourly.items()}
        change(time, hour)
        for name, value in hour.items():
            hourly[name][place] = value
    path.write_text(json.dumps(answer))


def true_weather(time: str, hour: dict[str, Any]) -> None:
    """A day that the archive never got; a storm of snow that it calls rain; a day that is as the one before."""
    if time.startswith("2024-03-09"):
        hour |= {name: None for name in hour if name != "time"}
    if time.startswith("2024-02-17"):
        hour |= {"temperature_2m": -4.0, "precipitation": 3.0, "rain": 3.0, "snowfall": 0.0, "cloud_cover": 10}
    if time.startswith(("2024-05-01", "2024-05-02")):
        hour |= {"temperature_2m": 15.0, "relative_humidity_2m": 60}


@dataclass(frozen=True)
class Published:
    """A run of `Publish`, or of `Validate`, which comes before it."""

    data: DataDir
    result: Result

    @property
    def failed(self) -> list[str]:
        """What the expectations found; what is unusual of these months is another thing."""
        report = json.loads((self.data.validation / "report.json").read_text(encoding="utf-8"))
        failed = [item for item in report["results"] if item["status"] in ("failed", "errored")]
        return [item["why"] for item in failed if item["suite"] != PROFILES]


@pytest.fixture(scope="module")
def unusual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The publishers' files of all these months."""
    folder = tmp_path_factory.mktemp("unusual")
    generate(folder, months=MONTHS, taxi_trips_per_month=ROWS, rides_per_month=ROWS)
    for month, (_, change) in TAXI.items():
        path = folder / "trip-data" / f"yellow_tripdata_{month}.parquet"
        pq.write_table(change(pq.read_table(path)), path)
    for month, (_, change_of_rides) in BIKES.items():
        change_rides(folder / "tripdata" / f"{month.replace('-', '')}-citibike-tripdata.zip", change_of_rides)
    change_weather(folder / "archive" / "2024.json", true_weather)
    return folder


def run(
    task: str, folder: Path, out: Path, run_luigi: Run, months: Iterable[str], without: Iterable[str] = ()
) -> Published:
    """Run a task on some months of a folder."""
    with Publishers(folder) as url:
        config = configuration(url)
        for name, block in config["sources"].items():
            block |= {"enabled": name not in without, "months": list(months)}
        config["sources"]["weather"] |= {"months": {"from": min(months), "to": max(months)}}
        for key in ("start_date", "end_date"):
            del config["sources"]["weather"][key]
        del config["validation"]
        out.mkdir(parents=True, exist_ok=True)
        path = out / "ingestion.yaml"
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        data = DataDir(out / "data")
        return Published(data, run_luigi(task, data_dir=data.root, config=path))


@pytest.fixture(scope="module")
def together(unusual: Path, tmp_path_factory: pytest.TempPathFactory, run_luigi: Run) -> Published:
    """All of them in one warehouse."""
    return run("Publish", unusual, tmp_path_factory.mktemp("together"), run_luigi, MONTHS)


def test_all_of_them_together_are_published(together: Published) -> None:
    assert together.result.returncode == 0, together.result.stderr
    assert together.failed == []


@pytest.mark.parametrize(
    ("mode", "month"), [("yellow_taxi", month) for month in TAXI] + [("citibike", m) for m in BIKES]
)
def test_each_row_of_an_unusual_month_is_a_trip(
    together: Published, unusual: Path, query: Query, mode: str, month: str
) -> None:
    if mode == "yellow_taxi":
        rows = pq.read_metadata(unusual / "trip-data" / f"yellow_tripdata_{month}.parquet").num_rows
    else:
        counted = "select count(*) from raw_data.trips where _source_month = '{}'"
        copies = (
            "select count(*) from staging.int_citibike__duplicate_rides where source_month = '{}' and not has_reused_id"
        )
        rows = query(together.data, counted.format(month))[0][0] - query(together.data, copies.format(month))[0][0]
    trips = f"select count(*) from marts.fct_trips where trip_type = '{mode}' and source_month = '{month}'"
    assert query(together.data, trips) == [(rows,)], (TAXI if mode == "yellow_taxi" else BIKES)[month][0]


@pytest.mark.parametrize(
    ("task", "month", "without"),
    [
        ("Validate", "2024-01", ("citibike", "weather")),  # twenty trips
        ("Publish", "2024-07", ("weather",)),  # no ride and no trip that counts, and clocks gone mad
    ],
)
def test_a_month_alone_is_validated_and_published(
    unusual: Path, tmp_path: Path, run_luigi: Run, task: str, month: str, without: tuple[str, ...]
) -> None:
    alone = run(task, unusual, tmp_path, run_luigi, [month], without)
    assert alone.result.returncode == 0, alone.result.stderr
    assert alone.failed == []


def test_rides_with_times_to_the_minute_are_sound(unusual: Path, tmp_path: Path, run_luigi: Run, query: Query) -> None:
    folder = tmp_path / "publishers"
    (folder / "tripdata").mkdir(parents=True)
    (folder / "misc").mkdir()
    (folder / "misc" / "taxi_zone_lookup.csv").write_bytes((unusual / "misc" / "taxi_zone_lookup.csv").read_bytes())
    rides = [
        f"{90 + minute},1/{1 + minute % 31}/2015 8:{minute:02d},1/{1 + minute % 31}/2015 8:{minute + 1:02d},"
        "455,1 Ave & E 44 St,40.75,-73.97,265,Stanton St & Chrystie St,40.72,-73.99,18660,Subscriber,1960,2"
        for minute in range(50)
    ]
    with zipfile.ZipFile(folder / "tripdata" / "201501-citibike-tripdata.zip", "w") as archive:
        archive.writestr("201501-citibike-tripdata.csv", lines(LEGACY, *rides))
    alone = run("Validate", folder, tmp_path / "out", run_luigi, ["2015-01"], ("yellow_taxi", "weather"))
    assert alone.result.returncode == 0, alone.result.stderr
    assert alone.failed == []
    assert query(alone.data, "select count(*) from marts.fct_trips where not is_suspect") == [(50,)]
