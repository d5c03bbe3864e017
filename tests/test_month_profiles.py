"""The profiles of months: what they say is what the published rows say, counted another way."""

import statistics
from collections import Counter
from collections.abc import Callable
from typing import Any

import duckdb
import pytest
from fixtures import Ingested
from support import MONTHS

Profile = dict[tuple[str, str, str, str], tuple[Any, int]]


@pytest.fixture(scope="module")
def profile(published: Ingested) -> Profile:
    with duckdb.connect(str(published.data.warehouse), read_only=True) as connection:
        rows = connection.execute("select * from marts.month_profiles").fetchall()
    return {tuple(row[:4]): (row[4], row[5]) for row in rows}


@pytest.fixture(scope="module")
def ask(published: Ingested) -> Callable[..., list[Any]]:
    """One column of the warehouse, in Python."""

    def column(query: str) -> list[Any]:
        with duckdb.connect(str(published.data.warehouse), read_only=True) as connection:
            return [row[0] for row in connection.execute(query).fetchall()]

    return column


def test_every_month_of_every_source_has_its_profile(profile: Profile) -> None:
    held = {(source, month) for source, month, *_ in profile}
    assert held == {(source, month) for source in ("yellow_taxi", "citibike", "weather") for month in MONTHS}
    by_source = Counter(source for source, statistic in {(source, statistic) for source, _, statistic, _ in profile})
    assert by_source["yellow_taxi"] >= 60
    assert by_source["citibike"] >= 30
    assert by_source["weather"] >= 20


@pytest.mark.parametrize("month", MONTHS)
def test_medians_are_those_of_the_published_rows(profile: Profile, ask: Callable[..., list[Any]], month: str) -> None:
    fares = ask(
        f"select fare_amount from raw_data.yellow_taxi where _source_month = '{month}' and (_source_file, _source_row) "
        "not in (select (source_file, source_row) from staging.int_tlc__voided_trips)"
    )
    value, rows = profile["yellow_taxi", month, "median_fare_usd", ""]
    assert value == pytest.approx(statistics.median_low(fares), abs=1e-9)
    assert rows == len(fares)

    degrees = ask(
        f"select temperature_celsius from staging.stg_weather__hourly where source_month = '{month}' "
        "and temperature_celsius is not null"
    )
    assert profile["weather", month, "median_temperature_celsius", ""] == (statistics.median_low(degrees), len(degrees))


@pytest.mark.parametrize("month", MONTHS)
def test_shares_are_those_of_the_published_rows(profile: Profile, ask: Callable[..., list[Any]], month: str) -> None:
    taxis = f"from raw_data.yellow_taxi where _source_month = '{month}'"
    for statistic, column in (
        ("share_of_trips_by_pickup_zone", "pu_location_id"),
        ("share_of_trips_by_dropoff_zone", "do_location_id"),
        ("share_of_trips_by_vendor", "vendor_id"),
        ("share_of_trips_by_hour", "extract(hour from tpep_pickup_datetime)"),
    ):
        counted = Counter(str(value) for value in ask(f"select {column} {taxis}") if value is not None)
        all_rows = counted.total()
        expected = {cut: (pytest.approx(rows / all_rows), all_rows) for cut, rows in counted.items()}
        found = {key[3]: value for key, value in profile.items() if key[:3] == ("yellow_taxi", month, statistic)}
        assert found == expected
    passengers = ask(f"select passenger_count {taxis}")
    share = passengers.count(None) / len(passengers)
    assert profile["yellow_taxi", month, "share_without_passenger_count", ""] == (pytest.approx(share), len(passengers))

    riders = ask(f"select member_casual from raw_data.trips where _source_month = '{month}'")
    value, rows = profile["citibike", month, "share_of_members", ""]
    assert value == pytest.approx(
        riders.count("member") / len(riders), abs=0.01
    )  # rides that are there twice count once
    assert len(riders) - rows < 0.01 * len(riders)


def test_correlations_are_those_of_the_engine(profile: Profile, ask: Callable[..., list[Any]]) -> None:
    (expected,) = ask(
        "select corr(fare_amount, trip_distance) from raw_data.yellow_taxi "
        "where trip_distance between 0.5 and 20 and fare_amount between 0.01 and 200 "
        "and total_amount between 0.01 and 300 and tip_amount between 0 and 200 "
        "and (_source_file || '#' || _source_row) in (select trip_id from marts.fct_trips "
        "where source_month = '2024-10' and not is_voided and not is_suspect and duration_minutes between 1 and 120)"
    )
    value, rows = profile["yellow_taxi", "2024-10", "correlation_of_fare_and_miles", ""]
    assert value == pytest.approx(expected, abs=1e-9)
    assert rows > 3000
