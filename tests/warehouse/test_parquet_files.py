"""Taxi files in whatever way they were written: the same trips become the same rows."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from fixtures import Row
from support import landed, taxi_trips

from luigi_pipeline.config.settings import Download, Warehouse
from luigi_pipeline.core.months import Month
from luigi_pipeline.sources import SOURCES
from luigi_pipeline.warehouse.preparing import prepare

TAXI = SOURCES["yellow_taxi"]
TRIPS = taxi_trips(500)
MONEY = ("fare_amount", "extra", "mta_tax", "tip_amount", "tolls_amount", "total_amount")
CODES = ("VendorID", "PULocationID", "DOLocationID", "RatecodeID", "payment_type", "passenger_count")
TIMES = ("tpep_pickup_datetime", "tpep_dropoff_datetime")
DELTAS: dict[str, str] = {
    "VendorID": "DELTA_BINARY_PACKED",
    "fare_amount": "BYTE_STREAM_SPLIT",
    "store_and_fwd_flag": "DELTA_BYTE_ARRAY",
    "request_source": "DELTA_LENGTH_BYTE_ARRAY",
}


def cast(kind: pa.DataType, *names: str) -> Callable[[Path], None]:
    """Write these columns as another type."""

    def write(path: Path) -> None:
        table = TRIPS
        for name in names:
            values = pc.round(table[name]).cast(pa.int64()) if pa.types.is_string(kind) else table[name]
            table = table.set_column(table.column_names.index(name), name, values.cast(kind))
        pq.write_table(table, path)

    return write


def written(**options: Any) -> Callable[[Path], None]:
    """Write the trips with options of Parquet's."""
    return lambda path: pq.write_table(TRIPS, path, **options)


def by_pandas(path: Path) -> None:
    """Some rows of a larger table, whose index comes along as a column."""
    TRIPS.to_pandas().sort_values("VendorID").rename(index=lambda n: n + 7).to_parquet(path)


WAYS: dict[str, Callable[[Path], None]] = {
    "INT96": written(use_deprecated_int96_timestamps=True),
    "seconds": cast(pa.timestamp("s"), *TIMES),
    "milliseconds": cast(pa.timestamp("ms"), *TIMES),
    "nanoseconds": cast(pa.timestamp("ns"), *TIMES),
    **{
        f"packed by {codec}": written(compression=codec)
        for codec in ("none", "snappy", "gzip", "brotli", "zstd", "lz4")
    },
    "plain": written(use_dictionary=False),
    "deltas and split bytes": written(use_dictionary=False, column_encoding=DELTAS),
    "pages of version 2": written(data_page_version="2.0", version="2.6"),
    "pages of version 1": written(data_page_version="1.0", version="1.0"),
    "small pages and row groups": written(data_page_size=64, row_group_size=7),
    "dictionaries": cast(pa.dictionary(pa.int32(), pa.string()), "store_and_fwd_flag", "request_source"),
    "large texts": cast(pa.large_string(), "store_and_fwd_flag", "request_source"),
    "decimals": cast(pa.decimal128(12, 2), *MONEY),
    "floats": cast(pa.float32(), *MONEY),
    "doubles for codes": cast(pa.float64(), *CODES),
    "small integers": cast(pa.int16(), *CODES),
    "unsigned integers": cast(pa.uint32(), *CODES),
    "codes as text": cast(pa.string(), *CODES),
    "pandas": by_pandas,
}


def typed(path: Path, scratch: Path) -> list[Row]:
    scratch.mkdir()
    parts = TAXI.parts(landed(path), Month("2024-09"), scratch, Download())
    file = prepare(TAXI, landed(path), parts, Month("2024-09"), scratch / "typed.parquet", Warehouse())
    return duckdb.sql(f"select {', '.join(TAXI.columns)} from '{file.path}' order by _source_row").fetchall()


@pytest.mark.parametrize("way", WAYS)
def test_the_same_trips_are_the_same_rows_whatever_way_they_were_written(tmp_path: Path, way: str) -> None:
    path = tmp_path / "yellow_tripdata_2024-09.parquet"
    WAYS[way](path)
    found = typed(path, tmp_path / way)
    pq.write_table(TRIPS, path)
    assert found == typed(path, tmp_path / "usual")
    assert len(found) == 500


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("tpep_pickup_datetime", [dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59, 999_999)]),
        ("total_amount", [9.9e15, -9.9e15]),
        ("total_amount", [Decimal("9999999999999.99"), Decimal("-0.01")]),
        ("trip_distance", [1e15, 0.0]),
        ("passenger_count", [0, 2**53]),
        ("VendorID", [-1, 2**62]),
    ],
)
def test_values_that_no_trip_has_are_kept(tmp_path: Path, column: str, values: list[Any]) -> None:
    path = tmp_path / "yellow_tripdata_2024-09.parquet"
    pq.write_table(taxi_trips(2, **{column: pa.array(values)}), path)
    raw = {"VendorID": "vendor_id"}.get(column, column)
    found = [row[list(TAXI.columns).index(raw)] for row in typed(path, tmp_path / "scratch")]
    assert found == [float(value) if isinstance(value, Decimal) else value for value in values]
