"""Damage to TLC's files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow.parquet as pq
from damage import NOVEMBER, OCTOBER, published, taxi, taxi_columns, taxi_path, zones

TIMES = ("tpep_pickup_datetime", "tpep_dropoff_datetime")


def shifted(hours: int) -> dict[str, str]:
    return {name: f"{name} + interval ({hours}) hour" for name in TIMES}


def others(*columns: str) -> str:
    """A query in which each trip has some columns of another one."""
    numbered = "select *, row_number() over (order by hash(position)) as place from trips"
    taken = ", ".join(f"other.{name} as {name}" for name in columns)
    return (
        f"with numbered as ({numbered}) select trips.* exclude (place) replace ({taken}) from numbered as trips "
        "inner join numbered as other on other.place = (trips.place + 37) % (select count(*) from numbered) + 1"
    )


def empty(name: str) -> dict[str, str]:
    return {name: f"case when false then {name} end"}


def month_of_another_name(folder: Path) -> None:
    shutil.copy(taxi_path(folder, NOVEMBER), taxi_path(folder, OCTOBER))


def green(folder: Path) -> None:
    path = taxi_path(folder)
    table = pq.read_table(path)
    table = table.rename_columns([name.replace("tpep_", "lpep_") for name in table.column_names])
    pq.write_table(table.append_column("trip_type", table["payment_type"]), path)


def cut_off(folder: Path) -> None:
    path = taxi_path(folder)
    path.write_bytes(path.read_bytes()[:-5000])


def swapped_boroughs(lines: list[str]) -> list[str]:
    return [line.replace("Queens", "?").replace("Brooklyn", "Queens").replace("?", "Brooklyn") for line in lines]


def swapped_equal_boroughs(lines: list[str]) -> list[str]:
    """Two boroughs that have as many zones as each other."""
    swapped = [line.replace('"Queens"', "?").replace('"Manhattan"', '"Queens"') for line in lines]
    return [line.replace("?", '"Manhattan"') for line in swapped]


def swapped_zones(lines: list[str]) -> list[str]:
    """Zones 236 (Manhattan) and 37 (Brooklyn) exchange all but their numbers."""
    rest = {line.split(",", 1)[0]: line.split(",", 1)[1] for line in lines}
    rest["236"], rest["37"] = rest["37"], rest["236"]
    return [f"{number},{text}" for number, text in rest.items()]


def names_moved_on(lines: list[str]) -> list[str]:
    parts = [line.split(",", 1) for line in lines]
    return [f"{parts[at][0]},{parts[(at + 1) % len(parts)][1]}" for at in range(len(parts))]


WEEK = "tpep_pickup_datetime between timestamp '2024-10-07' and timestamp '2024-10-13 23:59:59'"
DAY = "cast(tpep_pickup_datetime as date) = date '2024-10-16'"
HOUR = "extract(hour from tpep_pickup_datetime)"

DAMAGES = [
    published("taxi day lost", "all trips of one day are missing", taxi(f"from trips where not {DAY}")),
    published(
        "taxi week twice", "the trips of a week are there twice", taxi(f"from trips union all from trips where {WEEK}")
    ),
    published("taxi file twice", "all rows are there twice", taxi("from trips union all from trips")),
    published(
        "taxi rows twice",
        "one row in twenty is there twice",
        taxi("from trips union all from trips where position % 20 = 3"),
    ),
    published("taxi months exchanged", "November's file under October's name", month_of_another_name),
    published("taxi hour late", "times are an hour late", taxi_columns(**shifted(1))),
    published("taxi hour early", "times are an hour early", taxi_columns(**shifted(-1))),
    published("taxi hour late in November", "times are an hour late", taxi_columns(NOVEMBER, **shifted(1))),
    published("taxi times in UTC", "times are UTC, four hours ahead of New York's", taxi_columns(**shifted(4))),
    published(
        "taxi times from UTC", "times are moved from UTC once too often, by four hours", taxi_columns(**shifted(-4))
    ),
    published("taxi times five hours off", "times are moved back by five hours", taxi_columns(**shifted(-5))),
    published(
        "taxi times exchanged",
        "pickup and drop-off time exchanged",
        taxi_columns(**dict(zip(TIMES, TIMES[::-1], strict=True))),
    ),
    published(
        "taxi zones exchanged",
        "pickup and drop-off zone exchanged",
        taxi_columns(PULocationID="DOLocationID", DOLocationID="PULocationID"),
    ),
    published(
        "taxi zones shuffled", "each trip has the zones of another one", taxi(others("PULocationID", "DOLocationID"))
    ),
    published(
        "taxi pickup zones shuffled", "each trip has the pickup zone of another one", taxi(others("PULocationID"))
    ),
    published(
        "taxi zones off by one",
        "zone ids are one too high, and 265 is 1",
        taxi_columns(PULocationID="PULocationID % 265 + 1", DOLocationID="DOLocationID % 265 + 1"),
    ),
    published(
        "taxi zones of another lookup",
        "zone ids are counted from the other end",
        taxi_columns(PULocationID="266 - PULocationID", DOLocationID="266 - DOLocationID"),
    ),
    published(
        "taxi zone lost", "the trips that begin in zone 237 are missing", taxi("from trips where PULocationID <> 237")
    ),
    published(
        "taxi airport lost",
        "the trips from and to JFK are missing",
        taxi("from trips where PULocationID <> 132 and DOLocationID <> 132"),
    ),
    published(
        "taxi zones unknown",
        "every pickup is in zone 264, unknown",
        taxi_columns(PULocationID="264 + 0 * PULocationID"),
    ),
    published("taxi fares in cents", "fares a hundred times too high", taxi_columns(fare_amount="fare_amount * 100")),
    published("taxi fares in hundreds", "fares a hundred times too low", taxi_columns(fare_amount="fare_amount / 100")),
    published(
        "taxi money in cents",
        "fares, tips and totals a hundred times too high",
        taxi_columns(fare_amount="fare_amount * 100", tip_amount="tip_amount * 100", total_amount="total_amount * 100"),
    ),
    published(
        "taxi fares half as high again",
        "fares are half as high again, totals as before",
        taxi_columns(fare_amount="fare_amount * 1.5"),
    ),
    published("taxi fares of others", "each trip has the fare of another one", taxi(others("fare_amount"))),
    published("taxi totals of others", "each trip has the total of another one", taxi(others("total_amount"))),
    published(
        "taxi totals lost in part",
        "totals are zero in one row of four",
        taxi_columns(total_amount="case when position % 4 = 0 then 0 else total_amount end"),
    ),
    published(
        "taxi fares and totals exchanged",
        "fare and total exchanged",
        taxi_columns(fare_amount="total_amount", total_amount="fare_amount"),
    ),
    published(
        "taxi fares and tips exchanged",
        "fare and tip exchanged",
        taxi_columns(fare_amount="tip_amount", tip_amount="fare_amount"),
    ),
    published(
        "taxi tips and tolls exchanged",
        "tip and tolls exchanged",
        taxi_columns(tip_amount="tolls_amount", tolls_amount="tip_amount"),
    ),
    published(
        "taxi durations doubled",
        "trips take twice as long",
        taxi_columns(tpep_dropoff_datetime="tpep_dropoff_datetime + (tpep_dropoff_datetime - tpep_pickup_datetime)"),
    ),
    published("taxi times a day late", "times are a day late", taxi_columns(**shifted(24))),
    published("taxi tips zero", "all tips are zero", taxi_columns(tip_amount="0 * tip_amount")),
    published("taxi tips of others", "each trip has the tip of another one", taxi(others("tip_amount"))),
    published("taxi tolls zero", "all tolls are zero", taxi_columns(tolls_amount="0 * tolls_amount")),
    published("taxi totals negative", "all totals are negative", taxi_columns(total_amount="-abs(total_amount)")),
    published(
        "taxi money rounded",
        "all amounts are whole dollars",
        taxi_columns(
            fare_amount="round(fare_amount)", tip_amount="round(tip_amount)", total_amount="round(total_amount)"
        ),
    ),
    published(
        "taxi kilometres", "distances in kilometres", taxi_columns(trip_distance="round(trip_distance * 1.609344, 2)")
    ),
    published("taxi metres", "distances in metres", taxi_columns(trip_distance="round(trip_distance * 1609.344)")),
    published(
        "taxi nautical miles",
        "distances too short by an eighth",
        taxi_columns(trip_distance="round(trip_distance * 0.869, 2)"),
    ),
    published("taxi distances of others", "each trip has the distance of another one", taxi(others("trip_distance"))),
    published(
        "taxi distances zero",
        "distances are zero in half of the rows",
        taxi_columns(trip_distance="trip_distance * (position % 2)"),
    ),
    published(
        "taxi drop-offs of others", "each trip has the duration of another one", taxi(others("tpep_dropoff_datetime"))
    ),
    published(
        "taxi times at midnight",
        "times have lost their time of day",
        taxi_columns(**{name: f"date_trunc('day', {name})" for name in TIMES}),
    ),
    published(
        "taxi times on the hour",
        "times are rounded down to the hour",
        taxi_columns(**{name: f"date_trunc('hour', {name})" for name in TIMES}),
    ),
    published(
        "taxi pickups on the hour",
        "pickup times are rounded down to the hour",
        taxi_columns(tpep_pickup_datetime="date_trunc('hour', tpep_pickup_datetime)"),
    ),
    published(
        "taxi day and month exchanged",
        "9 October is read as 10 September, where that is a date",
        taxi_columns(
            **{
                name: f"case when day({name}) <= 12 then make_timestamp(year({name}), day({name}), month({name}), "
                f"hour({name}), minute({name}), second({name})) else {name} end"
                for name in TIMES
            }
        ),
    ),
    published(
        "taxi twelve-hour clock",
        "the afternoon's hours are counted from 0 again",
        taxi_columns(**{name: f"{name} - interval 12 hour * (hour({name}) >= 12)::integer" for name in TIMES}),
    ),
    published(
        "taxi another year",
        "times are ten years old",
        taxi_columns(**{name: f"{name} - interval 10 year" for name in TIMES}),
    ),
    published(
        "taxi hour of the day lost",
        "the trips from 9 to 10 h are missing on each day",
        taxi(f"from trips where {HOUR} <> 9"),
    ),
    published("taxi nights lost", "the trips from midnight to 6 h are missing", taxi(f"from trips where {HOUR} >= 6")),
    published(
        "taxi weekends lost",
        "the trips of all weekends are missing",
        taxi("from trips where isodow(tpep_pickup_datetime) <= 5"),
    ),
    published(
        "taxi first half only",
        "the second half of the rows is missing",
        taxi("from trips where position < (select count(*) / 2 from trips)"),
    ),
    published(
        "taxi repeated hour twice",
        "the trips of the hour that November has twice are there twice",
        taxi(
            "from trips union all from trips where date_trunc('hour', tpep_pickup_datetime) = timestamp "
            "'2024-11-03 01:00:00'",
            NOVEMBER,
        ),
    ),
    published("taxi vendor lost", "the trips of vendor 1 are missing", taxi("from trips where VendorID <> 1")),
    published("taxi vendors all one", "all trips are vendor 2's", taxi_columns(VendorID="2 + 0 * VendorID")),
    published(
        "taxi payment types exchanged",
        "cash and credit card exchanged",
        taxi_columns(payment_type="case payment_type when 1 then 2 when 2 then 1 else payment_type end"),
    ),
    published(
        "taxi payment types moved on", "payment codes are one too high", taxi_columns(payment_type="payment_type + 1")
    ),
    published(
        "taxi passengers a hundred",
        "passenger counts a hundred times too high",
        taxi_columns(passenger_count="passenger_count * 100"),
    ),
    published("taxi rate codes all one", "every rate code is 1", taxi_columns(RatecodeID="1 + 0 * RatecodeID")),
    *(
        published(f"taxi {name} empty", f"the column {name} holds nothing but nulls", taxi_columns(**empty(name)))
        for name in (
            "passenger_count",
            "store_and_fwd_flag",
            "PULocationID",
            "fare_amount",
            "extra",
            "tolls_amount",
            "Airport_fee",
        )
    ),
    published(
        "taxi fares empty in part",
        "one fare in thirty is null",
        taxi_columns(fare_amount="case when position % 30 > 0 then fare_amount end"),
    ),
    published(
        "taxi extra and tax exchanged", "extra and mta_tax exchanged", taxi_columns(extra="mta_tax", mta_tax="extra")
    ),
    published("taxi green file", "a green taxi's file", green),
    published("taxi file cut off", "the file's last 5,000 bytes are missing", cut_off),
    published("taxi file empty", "a file without rows", taxi("from trips limit 0")),
    published("zones: two boroughs exchanged", "Queens and Brooklyn exchanged", zones(swapped_boroughs)),
    published(
        "zones: equal boroughs exchanged",
        "Queens and Manhattan, of 69 zones each, exchanged",
        zones(swapped_equal_boroughs),
    ),
    published(
        "zones: two zones exchanged", "zones 236 and 37 have each other's name and borough", zones(swapped_zones)
    ),
    published("zones: names moved on", "each zone has the name of the next", zones(names_moved_on)),
    published(
        "zones: N/A lost", "the text N/A is empty", zones(lambda lines: [line.replace('"N/A"', '""') for line in lines])
    ),
    published("zones: one lost", "a zone is missing", zones(lambda lines: lines[:100] + lines[101:])),
]
