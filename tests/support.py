"""What tests share beside fixtures: configurations, command lines, and files as publishers write them."""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from luigi_pipeline.config import settings
from luigi_pipeline.config.settings import Settings
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.sources import BLOCKS, Landed
from luigi_pipeline.state import identity

PROJECT = Path(__file__).resolve().parents[1]
MONTHS = ("2024-10", "2024-11")  # November has the hour that happens twice
ROWS = 5000
# A configuration's changes: one month of weather, and nothing else.
ONE_MONTH: dict[str, Any] = {
    "sources": {
        "yellow_taxi": {"enabled": False},
        "citibike": {"enabled": False},
        "weather": {"start_date": "2024-10-01", "end_date": "2024-10-31"},
    }
}
_LUIGI = [str(Path(sys.executable).with_name("luigi")), "--module", "luigi_pipeline"]
_ONE_ATTEMPT = ["--scheduler-retry-count", "1"]  # what fails is looked at, not tried again half a minute later

CURRENT = (
    "ride_id,rideable_type,started_at,ended_at,start_station_name,start_station_id,end_station_name,"
    "end_station_id,start_lat,start_lng,end_lat,end_lng,member_casual"
)
LEGACY = (
    "tripduration,starttime,stoptime,start station id,start station name,start station latitude,"
    "start station longitude,end station id,end station name,end station latitude,end station longitude,"
    "bikeid,usertype,birth year,gender"
)
CAPITALS = (
    "Trip Duration,Start Time,Stop Time,Start Station ID,Start Station Name,Start Station Latitude,"
    "Start Station Longitude,End Station ID,End Station Name,End Station Latitude,End Station Longitude,"
    "Bike ID,User Type,Birth Year,Gender"
)


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A nested dict with some of its values changed."""
    both = dict(base)
    for key, value in changes.items():
        both[key] = merged(base[key], value) if isinstance(value, dict) and isinstance(base.get(key), dict) else value
    return both


def configuration(url: str, changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The configuration of the sample at a server, with little patience."""
    base = {
        "sources": {
            "yellow_taxi": {"base_url": url, "months": list(MONTHS)},
            "citibike": {"base_url": f"{url}/tripdata", "months": list(MONTHS)},
            "weather": {
                "base_url": f"{url}/v1/archive",
                "start_date": "2024-10-01",
                "end_date": "2024-11-30",
                "calls_per_minute": 100_000,
            },
        },
        "download": {"timeout_seconds": 10, "max_attempts": 3, "backoff_seconds": 0.02},
        "warehouse": {"wait_seconds": 20},
        "validation": {"min_rows": {"yellow_taxi": 1000, "citibike": 1000, "weather": 100}},
    }
    return merged(base, changes or {})


def load_settings(path: Path) -> Settings:
    """Read a configuration file."""
    return settings.load(path, BLOCKS)


def environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment, without what would change a run."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MOBILITY_", "LUIGI_", "DBT_", "RUNTIME__", "LOAD__"))
    }
    return kept | dict(changes or {})


def command(*args: str, data_dir: Path | None, config: Path | None) -> list[str]:
    """The command line of a run."""
    options = ["--mobility-config", str(config)] if config else []
    options += ["--mobility-data-dir", str(data_dir)] if data_dir else []
    return [*_LUIGI, *_ONE_ATTEMPT, *args, *options]


def program(name: str, *arguments: object) -> list[str]:
    """The command line of a program in tests/programs/."""
    return [sys.executable, str(PROJECT / "tests" / "programs" / f"{name}.py"), *map(str, arguments)]


def copied(data: DataDir, to: Path) -> DataDir:
    """A copy of a data dir, as if a run had ended in it."""
    copy = DataDir(to)
    shutil.copytree(data.root, copy.root, ignore=shutil.ignore_patterns("logs"))
    identity.note_warehouse(copy, str(identity.warehouse_id(data)), is_open=False)
    return copy


@contextmanager
def opened_elsewhere(file: Path, how: str, *seconds: float) -> Iterator[subprocess.Popen[str]]:
    """Another program that has a DuckDB file open to "read" or "write": for some seconds, or until it gets a line."""
    command = program("hold_open", file, how, *seconds)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        try:
            yield other
        finally:
            other.kill()


def landed(path: Path) -> Landed:
    """A file as if it had been fetched."""
    content = path.read_bytes()
    return Landed(path, f"http://localhost/{path.name}", len(content), hashlib.sha256(content).hexdigest())


def write_zip(path: Path, files: Mapping[str, str | bytes]) -> Landed:
    """Write a zip of texts, as if it had been fetched."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return landed(path)


def ride(
    ride_id: str, started: str = "2024-09-01 18:31:52.133", ended: str = "2024-09-01 18:40:00", **other: str
) -> str:
    """A line of CitiBike's current schema."""
    values = {
        "start_station_name": '"Morton St, NY"',
        "start_station_id": "5772.05",
        "end_station_id": "5065.10",
        "end_lat": "40.7",
    } | other
    start = f"{values['start_station_name']},{values['start_station_id']}"
    places = f"{start},Park,{values['end_station_id']},40.1,-74.1,{values['end_lat']},-74.2"
    return f"{ride_id},classic_bike,{started},{ended},{places},member"


def legacy_ride(
    started: str = "2019-01-01 03:09:09.7110", ended: str = "2019-01-01 03:20:00.0010", **other: str
) -> str:
    """A line of CitiBike's legacy schema."""
    birth_year = other.get("birth_year", "1888")
    return f"650,{started},{ended},3183,Exchange,40.7,-74.0,NULL,NULL,NULL,NULL,29612,Subscriber,{birth_year},1"


def lines(*texts: str, end: str = "\n") -> str:
    """Lines of a CSV file."""
    return "".join(text + end for text in texts)


def taxi_trips(rows: int = 3, **changes: pa.Array | None) -> pa.Table:
    """Trips with TLC's columns; a column is added, replaced, or taken out with None."""
    seconds = pa.array([1725148800 + 60 * row for row in range(rows)], pa.int64())
    times = seconds.cast(pa.timestamp("s")).cast(pa.timestamp("us"))
    whole, money = pa.array(range(rows), pa.int32()), pa.array([float(row) for row in range(rows)])
    columns: dict[str, pa.Array | None] = {
        "VendorID": whole,
        "tpep_pickup_datetime": times,
        "tpep_dropoff_datetime": times,
        "passenger_count": money,
        "trip_distance": money,
        "RatecodeID": money,
        "store_and_fwd_flag": pa.array(["N"] * rows),
        "PULocationID": whole,
        "DOLocationID": whole,
        "payment_type": whole.cast(pa.int64()),
        **dict.fromkeys(("fare_amount", "extra", "mta_tax", "tip_amount", "tolls_amount"), money),
        **dict.fromkeys(("improvement_surcharge", "total_amount", "congestion_surcharge", "Airport_fee"), money),
        "cbd_congestion_fee": money,
        "request_source": pa.array(["app"] * rows),
    }
    return pa.table({name: values for name, values in (columns | changes).items() if values is not None})


def write_taxi(path: Path, table: pa.Table) -> Landed:
    """Write trips as Parquet, as if they had been fetched."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)
    return landed(path)


def zone_lines() -> list[str]:
    """TLC's zone lookup, line by line."""
    zones = [f'{number},"Borough","Zone {number}","Boro Zone"' for number in range(1, 264)]
    return [
        '"LocationID","Borough","Zone","service_zone"',
        *zones,
        '264,"Unknown","N/A","N/A"',
        '265,"N/A","Outside of NYC","N/A"',
    ]


def listing(*keys: str, before: str = "", after: str = "") -> bytes:
    """A bucket's listing."""
    contents = "".join(f"<Contents><Key>{key}</Key></Contents>" for key in keys)
    return f'<?xml version="1.0"?>{before}<ListBucketResult>{contents}{after}</ListBucketResult>'.encode()


# Entities that stand for each other, ten at a time.
LAUGHS = '<!DOCTYPE l [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
)
