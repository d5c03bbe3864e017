"""The floor: what a user would do instead, as one DuckDB script in one connection.

`python bench/floor.py PUBLISHED DATA PLAN.json SECONDS.json` unzips and loads the published files into raw tables with
the four `_source_*` columns, then makes the models from the project's own compiled SQL. It writes the seconds of both.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
import zipfile
from pathlib import Path

import duckdb

# The columns of the raw tables over those that are published, as a user would write them by hand.
_RAW = {
    "yellow_taxi": {
        "vendor_id": '"VendorID"::bigint',
        "tpep_pickup_datetime": "tpep_pickup_datetime",
        "tpep_dropoff_datetime": "tpep_dropoff_datetime",
        "passenger_count": "passenger_count::bigint",
        "trip_distance": "trip_distance",
        "ratecode_id": '"RatecodeID"::bigint',
        "store_and_fwd_flag": "store_and_fwd_flag",
        "pu_location_id": '"PULocationID"::bigint',
        "do_location_id": '"DOLocationID"::bigint',
        "payment_type": "payment_type",
        "fare_amount": "fare_amount",
        "extra": "extra",
        "mta_tax": "mta_tax",
        "tip_amount": "tip_amount",
        "tolls_amount": "tolls_amount",
        "improvement_surcharge": "improvement_surcharge",
        "total_amount": "total_amount",
        "congestion_surcharge": "congestion_surcharge",
        "airport_fee": '"Airport_fee"',
        "cbd_congestion_fee": "null::double",
        "request_source": "null::varchar",
    },
    "trips": {
        "ride_id": "ride_id",
        "rideable_type": "rideable_type",
        "started_at": "started_at::timestamp",
        "ended_at": "ended_at::timestamp",
        "start_station_name": "start_station_name",
        "start_station_id": "start_station_id",
        "end_station_name": "end_station_name",
        "end_station_id": "end_station_id",
        "start_lat": "start_lat::double",
        "start_lng": "start_lng::double",
        "end_lat": "end_lat::double",
        "end_lng": "end_lng::double",
        "member_casual": "member_casual",
        "tripduration": "null::bigint",
        "starttime": "null::timestamp",
        "stoptime": "null::timestamp",
        "start_station_latitude": "null::double",
        "start_station_longitude": "null::double",
        "end_station_latitude": "null::double",
        "end_station_longitude": "null::double",
        "bikeid": "null::varchar",
        "usertype": "null::varchar",
        "birth_year": "null::bigint",
        "gender": "null::bigint",
    },
    "hourly_weather": {
        "time": "time::timestamp",
        "temperature_2m": "temperature_2m::double",
        "relative_humidity_2m": "relative_humidity_2m::double",
        "dew_point_2m": "dew_point_2m::double",
        "apparent_temperature": "apparent_temperature::double",
        "precipitation": "precipitation::double",
        "rain": "rain::double",
        "snowfall": "snowfall::double",
        "cloud_cover": "cloud_cover::double",
        "pressure_msl": "pressure_msl::double",
        "wind_speed_10m": "wind_speed_10m::double",
        "wind_direction_10m": "wind_direction_10m::double",
    },
    "taxi_zones": {
        "location_id": '"LocationID"::bigint',
        "borough": '"Borough"',
        "zone": '"Zone"',
        "service_zone": "service_zone",
    },
}


def load(connection: duckdb.DuckDBPyConnection, published: Path, scratch: Path) -> None:
    """Make the raw tables from the published files.

    Args:
        connection: The warehouse.
        published: The folder that the publishers' files are in.
        scratch: Where archives are unpacked to.
    """
    connection.execute("create schema raw_data; create schema meta")
    connection.execute(
        "create table meta.source_files (source varchar, source_month varchar, source_file varchar, "
        "source_version varchar, source_url varchar, row_count bigint, loaded_at timestamp)"
    )
    for path in sorted((published / "trip-data").iterdir()):
        rows = f"read_parquet('{path}', file_row_number = true)"
        _add(connection, "yellow_taxi", path.name, f"'{path.stem[-7:]}'", rows, "file_row_number + 1")
    for archive in sorted((published / "tripdata").iterdir()):
        folder = scratch / archive.stem
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(folder)
        month = f"'{archive.name[:4]}-{archive.name[4:6]}'"
        for member in sorted(folder.glob("*.csv")):
            _add(connection, "trips", member.name, month, f"read_csv('{member}', header = true, all_varchar = true)")
        shutil.rmtree(folder)
    for year in sorted((published / "archive").iterdir()):
        _add(connection, "hourly_weather", year.name, "strftime(time::timestamp, '%Y-%m')", _hours(year))
    zones = published / "misc" / "taxi_zone_lookup.csv"
    _add(connection, "taxi_zones", zones.name, "null::varchar", f"read_csv('{zones}', all_varchar = true)")


def _hours(year: Path) -> str:
    lists = ", ".join(f"unnest(hourly.{name}) as {name}" for name in _RAW["hourly_weather"])
    return f"(select {lists} from read_json('{year}', maximum_object_size = 100000000))"


def _add(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    file: str,
    month: str,
    rows: str,
    number: str = "row_number() over ()",
) -> None:
    columns = ", ".join(f"{value} as {name}" for name, value in _RAW[table].items())
    lineage = f"'{file}' as _source_file, {month} as _source_month, cast({number} as bigint) as _source_row"
    select = f"select {columns}, {lineage}, '0123456789abcdef' as _source_version from {rows}"
    there = f"select 1 from duckdb_tables() where schema_name = 'raw_data' and table_name = '{table}'"
    begin = "insert into" if connection.execute(there).fetchone() else "create table"
    connection.execute(f"{begin} raw_data.{table} {'as' if begin == 'create table' else ''} {select}")
    source = "citibike" if table == "trips" else "weather" if table == "hourly_weather" else table
    connection.execute(
        f"insert into meta.source_files select '{source}', _source_month, '{file}', '0123456789abcdef', '', count(*), "
        f"now()::timestamp from raw_data.{table} where _source_file = '{file}' group by _source_month"
    )


def build(connection: duckdb.DuckDBPyConnection, models: list[dict[str, str]]) -> None:
    """Make the models, in the order in which they are listed."""
    for model in models:
        kind = "view" if model["materialized"] == "view" else "table"
        connection.execute(f"create schema if not exists {model['schema']}")
        connection.execute(f"create {kind} {model['schema']}.{model['name']} as {model['sql']}")


def main() -> None:
    """Run the script and print its seconds."""
    published, data, described, said = (Path(argument) for argument in sys.argv[1:5])
    plan = json.loads(described.read_text(encoding="utf-8"))
    data.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(data / "nyc_mobility.duckdb"), config=plan["limits"]) as connection:
        connection.execute("set TimeZone = 'UTC'; set preserve_insertion_order = false")
        began = time.monotonic()
        load(connection, published, data / "scratch")
        connection.execute("checkpoint")
        loaded = time.monotonic()
        build(connection, plan["models"])
        connection.execute("checkpoint")
        said.write_text(json.dumps({"load": loaded - began, "build": time.monotonic() - loaded}), encoding="utf-8")


if __name__ == "__main__":
    main()
