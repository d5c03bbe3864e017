"""A month's yellow taxi file: TLC's columns, their changing names and types, and voided twins."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from luigi_pipeline.core.months import Month
from luigi_pipeline.sample.clock import IntArray, random_stream
from luigi_pipeline.sample.taxi_fares import CBD_SINCE, make_fares
from luigi_pipeline.sample.taxi_trips import NOT_RECORDED, TaxiTrips, make_trips

TWIN_SHARE = 0.005


@dataclass(frozen=True)
class Dialect:
    """The spelling and types of one month's file."""

    vendor: pa.DataType
    zone: pa.DataType
    count: pa.DataType
    flag: pa.DataType
    airport_fee: str


# TLC's files change between these from month to month. The sample alternates.
DIALECTS = (
    Dialect(pa.int64(), pa.int64(), pa.float64(), pa.string(), "airport_fee"),
    Dialect(pa.int32(), pa.int32(), pa.int64(), pa.large_string(), "Airport_fee"),
    Dialect(pa.int32(), pa.int32(), pa.float64(), pa.string(), "Airport_fee"),
)


def dialect_of(month: Month) -> Dialect:
    """The dialect of a month's file."""
    return DIALECTS[month.ordinal % len(DIALECTS)]


def _row_order(trips: TaxiTrips) -> tuple[IntArray, IntArray]:
    """The trip of each row of the file, and whether the row shows it negated (-1) or not (1)."""
    count = len(trips.pickup)
    shown = np.concatenate([np.arange(count), trips.voided_paired])
    sign = np.ones(len(shown), dtype=np.int64)
    sign[trips.voided_alone] = -1
    sign[count:] = -1
    # TLC appends the trips of the null block. A reversal comes before the trip that it voids.
    order = np.lexsort((sign, trips.pickup[shown], trips.payment[shown] == NOT_RECORDED))
    return shown[order], sign[order]


def _table(trips: TaxiTrips, money: dict[str, IntArray], month: Month) -> pa.Table:
    dialect = dialect_of(month)
    shown, sign = _row_order(trips)
    null_block = (trips.payment == NOT_RECORDED)[shown]

    def whole(values: IntArray, kind: pa.DataType, mask: object = None) -> pa.Array:
        return pa.array(values[shown], mask=mask).cast(kind)

    def moment(values: IntArray) -> pa.Array:
        return pa.array(values[shown].astype("datetime64[s]").astype("datetime64[us]"))

    def dollars(name: str, mask: object = None) -> pa.Array:
        return pa.array(money[name][shown] * sign / 100, mask=mask)

    flags = np.array(["N", "Y"], dtype=object)[trips.stored[shown]]
    columns = {
        "VendorID": whole(trips.vendor, dialect.vendor),
        "tpep_pickup_datetime": moment(trips.pickup),
        "tpep_dropoff_datetime": moment(trips.dropoff),
        "passenger_count": whole(trips.passengers, dialect.count, null_block),
        "trip_distance": pa.array(trips.miles[shown]),
        "RatecodeID": whole(trips.rate_code, dialect.count, null_block),
        "store_and_fwd_flag": pa.array(flags, dialect.flag, mask=null_block),
        "PULocationID": whole(trips.pickup_zone, dialect.zone),
        "DOLocationID": whole(trips.dropoff_zone, dialect.zone),
        "payment_type": whole(trips.payment, pa.int64()),
        "fare_amount": dollars("fare"),
        "extra": dollars("extra"),
        "mta_tax": dollars("mta_tax"),
        "tip_amount": dollars("tip"),
        "tolls_amount": dollars("tolls"),
        "improvement_surcharge": dollars("improvement"),
        "total_amount": dollars("total"),
        "congestion_surcharge": dollars("congestion", null_block),
        dialect.airport_fee: dollars("airport", null_block),
    }
    if month >= CBD_SINCE:
        columns["cbd_congestion_fee"] = dollars("cbd")
    return pa.table(columns)


def write_taxi_month(path: Path, seed: int, month: Month, rows: int) -> int:
    """Write a month's yellow taxi trips as TLC publishes them.

    Args:
        path: The Parquet file to write.
        seed: The sample's seed.
        month: The month of the file.
        rows: The number of rows of the file, reversals included.

    Returns:
        The number of rows written.
    """
    rng = random_stream(seed, "taxi", month.year, month.number)
    twins = max(2, round(rows * TWIN_SHARE))
    trips = make_trips(rng, seed, month, rows - twins, twins)
    table = _table(trips, make_fares(rng, trips, month), month)
    pq.write_table(table, path, compression="zstd", version="2.6", row_group_size=1_048_576)
    return int(table.num_rows)
