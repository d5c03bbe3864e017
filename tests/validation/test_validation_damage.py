"""Damage that real pipelines did to such data, and the expectation that tells."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from validation_city import SETTINGS

from luigi_pipeline.validation import data_docs
from luigi_pipeline.validation.run import validate

TAXI = "update marts.fct_trips set {} where trip_type = 'yellow_taxi'"
BIKE = "update marts.fct_trips set {} where trip_type = 'citibike'"
WEATHER = "update staging.stg_weather__hourly set {}"

HOURS_LATE = """
    pickup_at_nyc = pickup_at_nyc + interval ({hours}) hour, dropoff_at_nyc = dropoff_at_nyc + interval ({hours}) hour,
    pickup_at_utc = pickup_at_utc + interval ({hours}) hour, dropoff_at_utc = dropoff_at_utc + interval ({hours}) hour,
    pickup_hour_utc = pickup_hour_utc + interval ({hours}) hour,
    pickup_hour_of_day = extract(hour from pickup_at_nyc + interval ({hours}) hour),
    pickup_date = cast(pickup_at_nyc + interval ({hours}) hour as date)
"""
# Every trip gets the zones of another one.
SHUFFLED_ZONES = """
    update marts.fct_trips
    set pickup_location_id = other.pickup_location_id, dropoff_location_id = other.dropoff_location_id
    from (
        select
            trip_id, lag(pickup_location_id, 37) over (order by hash(trip_id)) as pickup_location_id,
            lag(dropoff_location_id, 37) over (order by hash(trip_id)) as dropoff_location_id
        from marts.fct_trips where trip_type = 'yellow_taxi'
    ) as other
    where fct_trips.trip_id = other.trip_id and other.pickup_location_id is not null
"""
SHIFTED_WEATHER = """
    create or replace table staging.stg_weather__hourly as
    select * replace (hour_utc + interval ({hours}) hour as hour_utc) from staging.stg_weather__hourly
"""

DAMAGE = {
    "taxi times an hour late": ("fct_trips", TAXI.format(HOURS_LATE.format(hours=1)), "On weekdays 5 and 6 h have"),
    "taxi times an hour early": ("fct_trips", TAXI.format(HOURS_LATE.format(hours=-1)), "On weekdays 5 and 6 h have"),
    "bike times an hour late": ("fct_trips", BIKE.format(HOURS_LATE.format(hours=1)), "On weekdays 5 and 6 h have"),
    "bike times an hour early": ("fct_trips", BIKE.format(HOURS_LATE.format(hours=-1)), "On weekdays 5 and 6 h have"),
    "New York time as UTC": ("fct_trips", TAXI.format("pickup_at_utc = pickup_at_nyc"), "UTC is four or five hours"),
    "winter time in summer": (
        "fct_trips",
        BIKE.format("pickup_at_utc = pickup_at_utc + interval 1 hour"),
        "UTC is four or five hours",
    ),
    "start and end exchanged": (
        "fct_trips",
        TAXI.format("pickup_at_utc = dropoff_at_utc, dropoff_at_utc = pickup_at_utc"),
        "At most one trip in 200 ends before it starts",
    ),
    "durations in seconds": (
        "fct_trips",
        BIKE.format("duration_minutes = duration_minutes * 60"),
        "A duration is the end minus the start",
    ),
    "kilometres for miles": (
        "fct_trips",
        TAXI.format("distance_miles = distance_miles * 1.609, speed_mph = speed_mph * 1.609"),
        "A fare is at least what TLC's meter asks",
    ),
    "fares in cents": ("fct_trips", TAXI.format("fare_amount = fare_amount * 100"), "The median fare is"),
    "totals in cents": ("fct_trips", TAXI.format("total_amount = total_amount * 100"), "A total is the fare"),
    "tips in cents": ("fct_trips", TAXI.format("tip_amount = tip_amount * 100"), "Who pays by card tips"),
    "zones of other trips": ("fct_trips", SHUFFLED_ZONES, "A trip within a zone is less than half as long"),
    "zones renumbered": (
        "fct_trips",
        TAXI.format("pickup_location_id = 265 - pickup_location_id, dropoff_location_id = 265 - dropoff_location_id"),
        "Rate code 2 is the flat fare",
    ),
    "pickup and drop-off zones exchanged": (
        "fct_trips",
        TAXI.format("pickup_location_id = dropoff_location_id, dropoff_location_id = pickup_location_id"),
        "New York's taxis may not pick up",
    ),
    "fares lost": ("fct_trips", TAXI.format("fare_amount = null"), "TLC fills zones, distance and money"),
    "passenger counts lost": ("fct_trips", TAXI.format("passenger_count = null"), "TLC fills zones, distance"),
    "stations lost": ("fct_trips", BIKE.format("end_station_id = null"), "All but 2 % of rides have both stations"),
    "station ids read as numbers": (
        "fct_trips",
        BIKE.format("start_station_id = cast(cast(start_station_id as double) as varchar)"),
        "Station ids are text",
    ),
    "a trip twice": (
        "fct_trips",
        "insert into marts.fct_trips from marts.fct_trips where trip_id = 'RIDE7'",
        "A trip that is there twice",
    ),
    "a mode lost": ("fct_trips", "delete from marts.fct_trips where trip_type = 'citibike'", "Fewer bike trips"),
    "Fahrenheit": (
        "stg_weather__hourly",
        WEATHER.format("temperature_celsius = temperature_celsius * 1.8 + 32"),
        "Month by month far from New York's climate",
    ),
    "kilometres an hour": (
        "stg_weather__hourly",
        WEATHER.format("wind_speed_mps = wind_speed_mps * 3.6"),
        "The mean wind of a month",
    ),
    "weather an hour late": (
        "stg_weather__hourly",
        SHIFTED_WEATHER.format(hours=1),
        "A month's file runs from midnight",
    ),
    "weather in New York time": (
        "stg_weather__hourly",
        SHIFTED_WEATHER.format(hours=-4),
        "In every month the day is warm",
    ),
    "precipitation lost": (
        "stg_weather__hourly",
        WEATHER.format("precipitation_preceding_hour_mm = null"),
        "Precipitation, rain and snowfall are there together",
    ),
    "precipitation lost in part": (
        "stg_weather__hourly",
        WEATHER.format("precipitation_preceding_hour_mm = null where extract(day from hour_utc) > 20"),
        "A month has its precipitation, or none of it",
    ),
    "precipitation of the hour before": (
        "dim_weather",
        """
        update marts.dim_weather set precipitation_mm = published.precipitation_preceding_hour_mm
        from staging.stg_weather__hourly as published where dim_weather.hour_utc = published.hour_utc
        """,
        "An hour holds the temperature at its beginning",
    ),
    "missing measure in a class": (
        "dim_weather",
        "update marts.dim_weather set temperature_celsius = null, temperature_category = 'hot'",
        "A class follows from its measure",
    ),
    "an hour lost": (
        "fct_hourly_mobility",
        "delete from marts.fct_hourly_mobility where hour_utc = '2024-09-14 09:00:00' and trip_type = 'citibike'",
        "Every hour of a mode's loaded months is there",
    ),
    "voided trips counted": (
        "fct_hourly_mobility",
        "update marts.fct_trips set is_voided = true where trip_id like '%:1_'",
        "The trips of an hour are those of fct_trips",
    ),
    "a day lost": ("dim_date", "delete from marts.dim_date where date_day = '2024-09-30'", "A loaded month has all"),
    "ids of airports exchanged": (
        "dim_location",
        "update marts.dim_location set zone_name = 'JFK Airport' where location_id = 138",
        "The three airports",
    ),
    "N/A read as null": (
        "stg_tlc__taxi_zones",
        "update staging.stg_tlc__taxi_zones set borough = null where borough = 'N/A'",
        "N/A is a text in this file",
    ),
}


@pytest.fixture(autouse=True)
def without_data_docs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The verdict is what matters here."""
    monkeypatch.setattr(data_docs, "build", lambda *_: None)


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_told(damaged: Callable[..., Path], suites: Callable[..., Path], tmp_path: Path, name: str) -> None:
    suite, statement, why = DAMAGE[name]
    summary = validate(damaged(statement), suites(suite), SETTINGS, tmp_path / "out")
    assert [item.line for item in summary.outcomes if item.status == "errored"] == []
    failed = [item for item in summary.outcomes if item.status == "failed"]
    told = [item for item in failed if item.why.startswith(why)]
    assert told, [item.why for item in failed]
    assert summary.ok == all(item.severity != "critical" for item in failed)


def test_new_code_of_the_publisher_is_a_warning(
    damaged: Callable[..., Path], suites: Callable[..., Path], tmp_path: Path
) -> None:
    warehouse = damaged("update staging.stg_tlc__yellow_taxi set vendor_id = 8 where source_row < 40")
    summary = validate(warehouse, suites("stg_tlc__yellow_taxi"), SETTINGS, tmp_path / "out")
    assert summary.ok
    (new,) = [item for item in summary.outcomes if item.status == "failed"]
    assert (new.severity, new.column, new.unexpected_count, new.samples) == ("warning", "vendor_id", 40, [8] * 5)
