"""One small sample for all tests that only read it."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from fixtures import Row

from luigi_pipeline.sample.generator import generate

ROWS = 8000
MONTHS = ("2024-10", "2024-11")
Query = Callable[[str], list[Row]]


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the two months of the demo, in small."""
    folder = tmp_path_factory.mktemp("sample")
    generate(folder, months=MONTHS, taxi_trips_per_month=ROWS, rides_per_month=ROWS)
    return folder


@pytest.fixture(scope="session")
def query(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Query:
    """Answers SQL about the sample: tables taxi and rides, with their file's month, and weather."""
    connection = duckdb.connect(config={"threads": 2})
    taxi, rides, members = [], [], tmp_path_factory.mktemp("members")
    for month in MONTHS:
        file = sample / f"trip-data/yellow_tripdata_{month}.parquet"
        table = f"read_parquet('{file}', file_row_number = true)"
        fee = pq.read_schema(file).names[18]
        taxi.append(f"select '{month}' as month, * rename ({fee} as airport_fee) from {table}")
        compact = month.replace("-", "")
        with zipfile.ZipFile(sample / f"tripdata/{compact}-citibike-tripdata.zip") as archive:
            names = [name for name in archive.namelist() if not name.startswith("__MACOSX")]
            archive.extractall(members, names)
        # Month by month: quoting and line ends differ.
        csv = f"read_csv('{members}/{compact}*.csv', all_varchar = true)"
        rides.append(f"select '{compact}' as month, * from {csv}")
    connection.execute(
        f"""
        create table taxi as {" union all by name ".join(taxi)};

        create table rides as
        select * replace (started_at::timestamp as started_at, ended_at::timestamp as ended_at)
        from ({" union all ".join(rides)});

        create table weather as
        select unnest(hourly.time)::timestamp as hour_utc, unnest(hourly.temperature_2m) as temperature,
            unnest(hourly.precipitation) as water, unnest(hourly.snowfall) as snow
        from read_json('{sample}/archive/2024.json');
        """
    )
    return lambda sql: connection.cursor().execute(sql).fetchall()
