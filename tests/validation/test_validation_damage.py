"""What no sound publication can break, and a damage of each kind that is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from validation_city import SETTINGS

from luigi_pipeline.validation import data_docs
from luigi_pipeline.validation.run import validate

TRIPS = "update marts.fct_trips set {} where trip_type = '{}' and source_row = 77"
RIDE = "update staging.stg_citibike__trips set {} where source_row = 7"
ZONE = "update staging.stg_tlc__taxi_zones set {}"
AIRPORT = "update marts.dim_location set {} where location_id = 132"
WEATHER = "update staging.stg_weather__hourly set {} where hour_utc = '2024-09-14 09:00:00'"
HOUR = "update marts.fct_hourly_mobility set {} where hour_utc = '2024-09-14 09:00:00'"
DIM_HOUR = "update marts.dim_weather set {} where hour_utc = '2024-09-14 09:00:00'"
# The suite, one statement that damages, and how the reason begins.
DAMAGE = {
    "a taxi trip for another": (
        "fct_trips",
        TRIPS.format("trip_id = replace(trip_id, '#77', '#78')", "yellow_taxi"),
        "A trip's key is",
    ),
    "a ride with the id of a taxi trip": (
        "fct_trips",
        TRIPS.format("trip_id = 'yellow_tripdata_2024-09.parquet#7'", "citibike"),
        "A trip's key is",
    ),
    "an hour 24": ("fct_trips", TRIPS.format("pickup_hour_of_day = 24", "citibike"), "Keys to the dim"),
    "another day's date": ("fct_trips", TRIPS.format("pickup_date = pickup_date + 1", "citibike"), "Keys to the dim"),
    "New York time as UTC": (
        "fct_trips",
        TRIPS.format("pickup_at_utc = pickup_at_nyc", "yellow_taxi"),
        "UTC is four or five hours",
    ),
    "winter time in summer": (
        "fct_trips",
        TRIPS.format("pickup_at_utc = pickup_at_utc + interval 1 hour", "citibike"),
        "UTC is four or five hours",
    ),
    "a duration in seconds": (
        "fct_trips",
        TRIPS.format("duration_minutes = duration_minutes * 60", "citibike"),
        "A duration is the end minus the start",
    ),
    "a reversal that counts": ("fct_trips", TRIPS.format("total_amount = -15", "yellow_taxi"), "A negative total"),
    "a ride that is voided": ("fct_trips", TRIPS.format("is_voided = true", "citibike"), "A negative total"),
    "suspect without a reason": ("fct_trips", TRIPS.format("is_suspect = true", "citibike"), "A negative total"),
    "kilometres an hour": ("fct_trips", TRIPS.format("speed_mph = speed_mph * 1.609", "yellow_taxi"), "A speed is"),
    "a column less": (
        "stg_tlc__yellow_taxi",
        "alter table staging.stg_tlc__yellow_taxi drop column tolls_amount",
        "The facts and the metrics",
    ),
    "a ride id by a spreadsheet": (
        "stg_citibike__trips",
        RIDE.format("ride_id = '3.62125E+19', trip_id = '3.62125E+19'"),
        "An id of a ride",
    ),
    "a ride under another key": ("stg_citibike__trips", RIDE.format("trip_id = 'another'"), "A ride's key is"),
    "a file under two months": (
        "stg_tlc__yellow_taxi",
        "update staging.stg_tlc__yellow_taxi set source_month = '2024-10' where source_row = 7",
        "A trip has its place",
    ),
    "a zone less": (
        "stg_tlc__taxi_zones",
        "delete from staging.stg_tlc__taxi_zones where location_id = 7",
        "TLC's lookup has 265",
    ),
    "a zone 266": ("stg_tlc__taxi_zones", ZONE.format("location_id = 266 where location_id = 7"), "Trips refer to"),
    "no airport": ("dim_location", AIRPORT.format("is_airport = false"), "The three airports"),
    "another name": ("dim_location", AIRPORT.format("zone_name = 'Central Park'"), "A zone has the name"),
    "Kelvin": ("stg_weather__hourly", WEATHER.format("temperature_celsius = 293"), "No place on earth"),
    "humidity 101": ("stg_weather__hourly", WEATHER.format("humidity_pct = 101"), "A percentage"),
    "rain of -1": ("stg_weather__hourly", WEATHER.format("precipitation_preceding_hour_mm = -1"), "Millimetres"),
    "wind of 400": ("stg_weather__hourly", WEATHER.format("wind_speed_mps = 400"), "Metres per second"),
    "pressure in pascal": ("stg_weather__hourly", WEATHER.format("pressure_hpa = 101500"), "The least and the most"),
    "direction 361": ("stg_weather__hourly", WEATHER.format("wind_direction_degrees = 361"), "Degrees of a circle"),
    "dew above the air": (
        "stg_weather__hourly",
        "update staging.stg_weather__hourly set dew_point_celsius = 25",
        "The dew point is never above",
    ),
    "an hour of weather lost": (
        "stg_weather__hourly",
        "delete from staging.stg_weather__hourly where hour_utc = '2024-09-14 09:00:00'",
        "Open-Meteo leaves out no hour",
    ),
    "weather of other hours": (
        "stg_weather__hourly",
        "create or replace table staging.stg_weather__hourly as "
        "select * replace (hour_utc + interval 1 hour as hour_utc) from staging.stg_weather__hourly",
        "A month's file runs from midnight",
    ),
    "humidity of another hour": ("dim_weather", DIM_HOUR.format("humidity_pct = 61"), "An hour holds"),
    "rain of the hour before": (
        "dim_weather",
        """
        update marts.dim_weather set precipitation_mm = published.precipitation_preceding_hour_mm
        from staging.stg_weather__hourly as published where dim_weather.hour_utc = published.hour_utc
        """,
        "An hour holds",
    ),
    "bad weather called good": ("dim_weather", DIM_HOUR.format("is_adverse = true"), "A class follows"),
    "no temperature, and hot": (
        "dim_weather",
        DIM_HOUR.format("temperature_celsius = null, temperature_category = 'hot'"),
        "A class follows",
    ),
    "another wall time": ("dim_weather", DIM_HOUR.format("hour_nyc = hour_utc"), "New York's wall time"),
    "an hour less": (
        "dim_weather",
        "delete from marts.dim_weather where hour_utc = '2024-09-14 09:00:00'",
        "A loaded month has all of its hours",
    ),
    "a minute more": (
        "fct_hourly_mobility",
        HOUR.format("duration_minutes_sum = duration_minutes_sum + 1"),
        "The trips of an hour",
    ),
    "a dollar less": (
        "fct_hourly_mobility",
        HOUR.format("revenue = revenue - 1") + " and trip_type = 'yellow_taxi'",
        "The trips of an hour",
    ),
    "shares exchanged": ("fct_hourly_mobility", HOUR.format("share_of_hour_pct = 40"), "The modes share each hour"),
    "an hour of a mode lost": (
        "fct_hourly_mobility",
        "delete from marts.fct_hourly_mobility where hour_utc = '2024-09-14 09:00:00' and trip_type = 'citibike'",
        "Every hour of a mode's loaded months",
    ),
    "another hour of New York": (
        "fct_hourly_mobility",
        HOUR.format("hour_nyc = hour_nyc + interval 1 hour"),
        "New York's wall time",
    ),
    "shares of a day that bikes do not cover": (
        "fct_hourly_mobility",
        "update marts.fct_hourly_mobility set is_covered = false where trip_type = 'citibike' and hour_nyc >= "
        "'2024-09-14'",
        "The modes share each hour",
    ),
    "Labor Day lost": (
        "dim_date",
        "update marts.dim_date set is_holiday = false, holiday_name = null",
        "Federal holidays, by date",
    ),
    "a day lost": ("dim_date", "delete from marts.dim_date where date_day = '2024-09-30'", "A loaded month has all"),
    "a Monday on Tuesday": (
        "dim_date",
        "update marts.dim_date set day_of_week = day_of_week % 7 + 1",
        "Parts of a date",
    ),
    "an hour of the day less": ("dim_time", "delete from marts.dim_time where hour_of_day = 5", "The hours of a day"),
    "noon in the evening": (
        "dim_time",
        "update marts.dim_time set day_part = 'evening' where hour_of_day = 12",
        "Morning 6 to 11",
    ),
    "rush hour at noon": (
        "dim_time",
        "update marts.dim_time set is_rush_hour_weekday = true where hour_of_day = 12",
        "Rush hour 7 to 9",
    ),
}
# Statements about TLC's lookup, which is TLC's to change.
WARNED = {
    "boroughs exchanged": (
        ZONE.format("borough = case borough when 'Queens' then 'Manhattan' else 'Queens' end ")
        + "where borough in ('Queens', 'Manhattan')",
        "The boroughs of TLC's zones",
    ),
    "names exchanged": (ZONE.format("zone_name = 'Central Park' where location_id = 236"), "Zones that everyone knows"),
    "an airport renamed": (
        ZONE.format("zone_name = 'JFK Airport' where location_id = 138"),
        "Zones that everyone knows",
    ),
    "a new service zone": (ZONE.format("service_zone = 'Red Zone' where location_id = 7"), "TLC changed how it writes"),
}


@pytest.fixture(autouse=True)
def without_data_docs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The verdict is what matters here."""
    monkeypatch.setattr(data_docs, "build", lambda *_: None)


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_refused(
    damaged: Callable[..., Path], suites: Callable[..., Path], tmp_path: Path, name: str
) -> None:
    suite, statement, why = DAMAGE[name]
    summary = validate(damaged(statement), suites(suite), SETTINGS, tmp_path / "out")
    failed = [item for item in summary.outcomes if item.status != "passed"]
    told = [item for item in failed if item.why.startswith(why)]
    assert told, [item.line for item in failed]
    assert {item.status for item in failed} == {"failed"}
    assert not summary.ok


@pytest.mark.parametrize("name", WARNED)
def test_another_zone_lookup_is_a_warning(
    damaged: Callable[..., Path], suites: Callable[..., Path], tmp_path: Path, name: str
) -> None:
    statement, why = WARNED[name]
    summary = validate(damaged(statement), suites("stg_tlc__taxi_zones"), SETTINGS, tmp_path / "out")
    assert summary.ok
    (found,) = [item for item in summary.outcomes if item.status == "failed"]
    assert (found.severity, found.why.startswith(why)) == ("warning", True)
