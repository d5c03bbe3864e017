"""The yellow taxi files and the zones: drift, money, oddities, rhythm."""

import csv
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from fixtures import Row

from luigi_pipeline.core.months import Month
from luigi_pipeline.sample.generator import generate
from luigi_pipeline.sample.taxi_file import DIALECTS, dialect_of

ROWS = 8000
Query = Callable[[str], list[Row]]
PARTS = (
    "fare_amount + extra + mta_tax + tip_amount + tolls_amount + improvement_surcharge"
    " + coalesce(congestion_surcharge, 0) + coalesce(airport_fee, 0)"
)


def test_names_and_types_drift_between_months(sample: Path) -> None:
    october, november = (
        pq.read_schema(sample / f"trip-data/yellow_tripdata_{month}.parquet") for month in ("2024-10", "2024-11")
    )
    names = ("VendorID", "passenger_count", "RatecodeID", "PULocationID", "store_and_fwd_flag")
    types = [[str(schema.field(name).type) for name in names] for schema in (october, november)]
    assert types == [
        ["int64", "double", "double", "int64", "string"],
        ["int32", "int64", "int64", "int32", "large_string"],
    ]
    assert (october.names[18], november.names[18]) == ("airport_fee", "Airport_fee")
    for schema in (october, november):
        assert str(schema.field("tpep_pickup_datetime").type) == "timestamp[us]"
        assert len(schema) == 19


def test_cbd_fee_is_charged_from_2025(tmp_path: Path) -> None:
    generate(tmp_path, months=["2025-01"], taxi_trips_per_month=500, rides_per_month=100)
    file = tmp_path / "trip-data/yellow_tripdata_2025-01.parquet"
    assert pq.read_schema(file).names[-1] == "cbd_congestion_fee"
    charged = duckdb.sql(
        f"select count(*) from '{file}' where cbd_congestion_fee = 0.75 and total_amount > 0"
    ).fetchone()
    assert charged is not None
    assert charged[0] > 250


def test_total_is_the_sum_of_its_parts(query: Query) -> None:
    assert query(f"select count(*), max(abs(total_amount - ({PARTS}))) < 1e-9 from taxi")[0] == (2 * ROWS, True)


def test_null_block_is_null_together_at_the_end_of_the_file(
    query: Query,
) -> None:
    nulls, together, last, share = query("""
        select count(*) filter (passenger_count is null),
            count(*) filter (passenger_count is null and RatecodeID is null
                and store_and_fwd_flag is null and congestion_surcharge is null
                and airport_fee is null and payment_type = 0),
            count(*) filter (passenger_count is null and file_row_number > 7000),
            count(*) filter (passenger_count is null) / count(*)
        from taxi
        """)[0]
    assert nulls == together == last
    assert 0.05 < share < 0.12


def test_negatives_have_twins_but_for_a_few(query: Query) -> None:
    paired, alone = query("""
        with matched as (
            select (select count(*) from taxi as b where b.month = a.month
                and b.VendorID = a.VendorID and b.PULocationID = a.PULocationID
                and b.DOLocationID = a.DOLocationID
                and b.tpep_pickup_datetime = a.tpep_pickup_datetime
                and b.tpep_dropoff_datetime = a.tpep_dropoff_datetime
                and b.total_amount = -a.total_amount) as twins, payment_type
            from taxi as a where total_amount < 0)
        select count(*) filter (twins = 1), count(*) filter (twins = 0) from matched
        where payment_type in (3, 4)
        """)[0]
    assert (paired, alone) == (80, 12)


def test_only_cards_tip_and_they_tip_well(query: Query) -> None:
    card, others = query(
        "select sum(tip_amount) filter (payment_type = 1)"
        " / sum(total_amount - tip_amount) filter (payment_type = 1),"
        " sum(abs(tip_amount)) filter (payment_type <> 1) from taxi"
    )[0]
    assert 0.17 < card < 0.27
    assert others == 0


def test_oddities_are_there_and_few(query: Query) -> None:
    far, backwards, left_on, reset, earlier, later = query("""
        select count(*) filter (trip_distance > 10000),
            count(*) filter (tpep_dropoff_datetime < tpep_pickup_datetime
                and tpep_pickup_datetime::date <> '2024-11-03'),
            count(*) filter (tpep_dropoff_datetime - tpep_pickup_datetime > interval 22 hour),
            count(*) filter (year(tpep_pickup_datetime) in (2008, 2009)),
            count(*) filter (month = '2024-10' and tpep_pickup_datetime::date = '2024-09-30'),
            count(*) filter (month = '2024-11' and tpep_pickup_datetime::date = '2024-12-01')
        from taxi
        """)[0]
    assert (far, backwards, left_on) == (4, 4, 20)
    assert (reset, earlier, later) == (4, 3, 1)


def test_every_other_trip_starts_in_its_file_month(query: Query) -> None:
    assert query("select count(*) from taxi where strftime(tpep_pickup_datetime, '%Y-%m') <> month")[0][0] == 2 * 6


def test_distance_time_and_fare_go_together(query: Query) -> None:
    distance_fare, distance_time, median_miles, median_fare, speed, jfk = query("""
        with trips as (
            select *, epoch(tpep_dropoff_datetime - tpep_pickup_datetime) / 3600 as hours
            from taxi where total_amount > 0 and trip_distance between 0.1 and 100
                and tpep_dropoff_datetime - tpep_pickup_datetime
                    between interval 1 minute and interval 5 hour)
        select corr(trip_distance, fare_amount), corr(trip_distance, hours),
            median(trip_distance), median(fare_amount), sum(trip_distance) / sum(hours),
            median(trip_distance) filter (PULocationID = 132) from trips
        """)[0]
    assert distance_fare > 0.9
    assert distance_time > 0.8
    assert 1.5 < median_miles < 3.5
    assert 10 < median_fare < 18
    assert 9 < speed < 16
    assert 12 < jfk < 19


def test_taxis_peak_in_the_evening_and_on_weekend_nights(
    query: Query,
) -> None:
    weekday = [
        row[0]
        for row in query(
            "select hour(tpep_pickup_datetime) as h from taxi"
            " where isodow(tpep_pickup_datetime) <= 4 group by h order by count(*) desc"
        )
    ]
    assert set(weekday[:2]) <= {17, 18, 19}
    assert set(weekday[-3:]) <= {1, 2, 3, 4, 5}
    saturday, tuesday = query("""
        with nights as (select isodow(tpep_pickup_datetime) as day, count(*) as trips from taxi
            where hour(tpep_pickup_datetime) < 4 group by all)
        select sum(trips) filter (day in (6, 7)) / 2, sum(trips) filter (day in (2, 3)) / 2
        from nights
        """)[0]
    assert saturday > 2.5 * tuesday


def test_repeated_hour_is_full_twice(query: Query) -> None:
    usual, repeated = query("""
        select count(*) filter (tpep_pickup_datetime::date in ('2024-11-10', '2024-11-17')) / 2,
            count(*) filter (tpep_pickup_datetime::date = '2024-11-03')
        from taxi where hour(tpep_pickup_datetime) = 1 and month = '2024-11'
        """)[0]
    assert repeated > 1.4 * usual


def test_no_trip_starts_in_the_missing_hour(tmp_path: Path) -> None:
    generate(tmp_path, months=["2024-03"], taxi_trips_per_month=5000, rides_per_month=100)
    found = duckdb.sql(
        "select count(*) filter (hour(tpep_pickup_datetime) = 2),"
        " count(*) filter (hour(tpep_pickup_datetime) in (1, 3))"
        f" from '{tmp_path}/trip-data/yellow_tripdata_2024-03.parquet'"
        " where tpep_pickup_datetime::date = '2024-03-10'"
    ).fetchone()
    assert found is not None
    assert found[0] == 0
    assert found[1] > 5


def test_busy_zones_are_those_of_the_city(query: Query) -> None:
    zones = [row[0] for row in query("select PULocationID from taxi group by 1 order by count(*) desc limit 10")]
    assert {161, 237, 236, 132} <= set(zones)
    assert query("select min(DOLocationID) >= 1, max(DOLocationID) from taxi")[0] == (
        True,
        265,
    )


def test_zone_lookup_is_in_tlc_form(sample: Path) -> None:
    raw = (sample / "misc/taxi_zone_lookup.csv").read_bytes()
    assert raw.startswith(b'"LocationID","Borough","Zone","service_zone"\r\n1,"EWR","Newark Airport","EWR"\r\n')
    assert raw.count(b"\n") == raw.count(b"\r\n") == 266
    rows = {int(row[0]): row[1:] for row in list(csv.reader(raw.decode().splitlines()))[1:]}
    assert sorted(rows) == list(range(1, 266))
    assert rows[264] == ["Unknown", "N/A", "N/A"]
    assert rows[265] == ["N/A", "Outside of NYC", "N/A"]
    assert rows[132] == ["Queens", "JFK Airport", "Airports"]
    assert rows[138] == ["Queens", "LaGuardia Airport", "Airports"]
    assert {row[0] for row in rows.values()} == {
        "EWR", "Queens", "Bronx", "Manhattan", "Staten Island", "Brooklyn", "Unknown", "N/A",
    }  # fmt: skip


@pytest.mark.parametrize("month", [Month("2024-10"), Month("2024-11"), Month("2024-12")])
def test_three_months_take_turns_with_the_dialects(month: Month) -> None:
    assert dialect_of(month) != dialect_of(month.shift(1))
    assert dialect_of(month) == dialect_of(month.shift(len(DIALECTS)))
