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

RIDE = "update staging.stg_citibike__trips set {}"
# A second month, which some trips are missing in.
NEXT_MONTH = """
    insert into marts.fct_trips
    select * replace ('2024-10' as source_month, trip_id || '+' as trip_id) from marts.fct_trips where {}
"""
OTHERS = """
    update marts.fct_trips set {column} = other.{column}
    from (
        select trip_id, lag({column}, 37) over (order by hash(trip_id)) as {column}
        from marts.fct_trips where trip_type = 'yellow_taxi'
    ) as other
    where fct_trips.trip_id = other.trip_id and other.{column} is not null
"""

DAMAGE = {
    "an hour of the day lost": (
        "fct_trips",
        "delete from marts.fct_trips where trip_type = 'yellow_taxi' and pickup_hour_of_day = 9",
        "An hour of the day has",
    ),
    "one hour for many": (
        "fct_trips",
        BIKE.format("pickup_hour_of_day = if(hash(trip_id) % 2 = 0, 8, pickup_hour_of_day)"),
        "The busiest hour",
    ),
    "times cut to the hour": (
        "fct_trips",
        BIKE.format("pickup_at_nyc = date_trunc('hour', pickup_at_nyc)"),
        "One trip in sixty",
    ),
    "times against surcharges": ("fct_trips", TAXI.format(HOURS_LATE.format(hours=1)), "On weekdays the meter adds"),
    "surcharges lost": ("fct_trips", TAXI.format("extra_amount = 0"), "On weekdays the meter adds"),
    "trips twice": (
        "fct_trips",
        "insert into marts.fct_trips select * replace (trip_id || '+' as trip_id) from marts.fct_trips "
        "where trip_type = 'yellow_taxi' and hash(trip_id) % 100 = 0",
        "No two trips agree",
    ),
    "rides twice": (
        "fct_trips",
        "insert into marts.fct_trips select * replace (trip_id || '+' as trip_id) from marts.fct_trips "
        "where trip_type = 'citibike' and hash(trip_id) % 5 = 0",
        "Rides of different ids differ",
    ),
    "zones unknown": ("fct_trips", TAXI.format("pickup_location_id = 264"), "Taxis pick up in a hundred zones"),
    "a zone lost in a month": (
        "fct_trips",
        NEXT_MONTH.format("pickup_location_id is distinct from 20"),
        "A zone that has many trips",
    ),
    "cash lost in a month": (
        "fct_trips",
        NEXT_MONTH.format("payment_type is distinct from 'cash'"),
        "A vendor, way of paying",
    ),
    "half a month lost": ("fct_trips", NEXT_MONTH.format("hash(trip_id) % 2 = 0"), "Little more than half"),
    "passengers a hundred": (
        "fct_trips",
        TAXI.format("passenger_count = passenger_count * 100"),
        "Taxis carry 1.2 to 1.7",
    ),
    "totals of other trips": ("fct_trips", OTHERS.format(column="total_amount"), "A total is the sum of its parts"),
    "tolls lost": ("fct_trips", TAXI.format("tolls_amount = 0"), "Some trips of every month pay tolls"),
    "tips and tolls exchanged": (
        "fct_trips",
        TAXI.format("tip_amount = tolls_amount, tolls_amount = tip_amount"),
        "Some trips of every month pay tolls",
    ),
    "tips in cash": (
        "fct_trips",
        TAXI.format("payment_type = case payment_type when 'cash' then 'credit card' else 'cash' end"),
        "Tips in cash are not recorded",
    ),
    "cents lost": ("fct_trips", TAXI.format("total_amount = round(total_amount)"), "Less than one total in ten"),
    "distances of other trips": ("fct_trips", OTHERS.format(column="distance_miles"), "Longer trips take longer"),
    "durations of other trips": ("fct_trips", OTHERS.format(column="duration_minutes"), "Longer trips take longer"),
    "airport fees elsewhere": (
        "fct_trips",
        TAXI.format("pickup_location_id = pickup_location_id + 1"),
        "The airport fee is for pickups",
    ),
    "airport fees lost": ("fct_trips", TAXI.format("airport_fee_amount = null"), "Since 2022, pickups at JFK"),
    "fares half as high again": ("fct_trips", TAXI.format("fare_amount = fare_amount * 1.6"), "A fare lies between"),
    "fares a third higher": ("fct_trips", TAXI.format("fare_amount = fare_amount * 1.4"), "The meter counts"),
    "sound trips voided": ("fct_trips", TAXI.format("is_voided = hash(trip_id) % 20 = 0"), "A reversal voids itself"),
    "riders exchanged": (
        "fct_trips",
        BIKE.format("member_type = case member_type when 'member' then 'casual' else 'member' end"),
        "Members make",
    ),
    "riders all members": ("fct_trips", BIKE.format("member_type = 'member'"), "Members make"),
    "bikes all classic": ("fct_trips", BIKE.format("rideable_type = 'classic_bike'"), "Classic and electric bikes"),
    "start and end station exchanged": (
        "fct_trips",
        BIKE.format("start_station_id = end_station_id, end_station_id = start_station_id"),
        "Rides begin at a station",
    ),
    "ends lost": ("stg_citibike__trips", RIDE.format("end_longitude = null"), "All but 1 % of rides have a start"),
    "ends at 0": (
        "stg_citibike__trips",
        RIDE.format("end_latitude = 0, end_longitude = 0"),
        "All but 1 % of rides have a start",
    ),
    "ride ids by a spreadsheet": (
        "stg_citibike__trips",
        RIDE.format("ride_id = '3.62125E+19' where source_row = 7"),
        "Rides of the current layout",
    ),
    "ride ids lost": ("stg_citibike__trips", RIDE.format("ride_id = null"), "Rides of the current layout"),
    "ride ids of another kind": (
        "stg_citibike__trips",
        RIDE.format("ride_id = 'X' || right(ride_id, 15)"),
        "An id of a ride is 16 hexadecimal digits",
    ),
    "names of stations lost": (
        "stg_citibike__trips",
        RIDE.format("start_station_name = null"),
        "A station that has an id has a name",
    ),
    "stations of other rides": (
        "stg_citibike__trips",
        RIDE.format("start_station_id = (6000 + hash(trip_id) % 90) || '.10'"),
        "All rides from and to a station are at its place",
    ),
    "ends of other rides": (
        "stg_citibike__trips",
        RIDE.format("duration_minutes = 5 + hash(trip_id) % 11"),
        "Rides to farther stations take longer",
    ),
    "rides twice as long": (
        "stg_citibike__trips",
        RIDE.format("duration_minutes = duration_minutes * 2"),
        "Rides to farther stations take longer",
    ),
    "places rounded": (
        "stg_citibike__trips",
        RIDE.format("start_latitude = round(start_latitude, 2)"),
        "Coordinates are published to the metre",
    ),
    "a month of Jersey City": (
        "stg_citibike__trips",
        "insert into staging.stg_citibike__trips select * replace ('2024-10' as source_month, "
        "start_longitude - 0.06 as "
        "start_longitude) from staging.stg_citibike__trips",
        "Some months are of New York, others of Jersey City",
    ),
    "store-and-forward flags lost": (
        "stg_tlc__yellow_taxi",
        "update staging.stg_tlc__yellow_taxi set is_store_and_forward = null",
        "TLC says of each trip that has a passenger count",
    ),
    "boroughs exchanged": (
        "stg_tlc__taxi_zones",
        "update staging.stg_tlc__taxi_zones set borough = case borough when 'Queens' then 'Manhattan' else "
        "'Queens' end "
        "where borough in ('Queens', 'Manhattan')",
        "The boroughs of TLC's zones",
    ),
    "names of zones exchanged": (
        "stg_tlc__taxi_zones",
        "update staging.stg_tlc__taxi_zones set zone_name = 'Central Park' where location_id = 236",
        "Zones that everyone knows",
    ),
    "another name in the dimension": (
        "dim_location",
        "update marts.dim_location set zone_name = 'Central Park' where location_id = 236",
        "A zone has the name",
    ),
    "knots": (
        "stg_weather__hourly",
        WEATHER.format("wind_speed_mps = wind_speed_mps * 1.944"),
        "No month that was looked at",
    ),
    "pressure at the ground": (
        "stg_weather__hourly",
        WEATHER.format("pressure_hpa = pressure_hpa * 0.9"),
        "The mean of a month's pressure",
    ),
    "clouds in eighths": (
        "stg_weather__hourly",
        WEATHER.format("cloud_cover_pct = cloud_cover_pct / 12.5"),
        "Every month has cloudy hours",
    ),
    "radians": ("stg_weather__hourly", WEATHER.format("wind_direction_degrees = 3.5"), "Every month has cloudy hours"),
    "inches of rain": (
        "stg_weather__hourly",
        WEATHER.format("precipitation_preceding_hour_mm = precipitation_preceding_hour_mm / 25.4"),
        "A month's precipitation is",
    ),
    "no rain under clouds": (
        "stg_weather__hourly",
        WEATHER.format("precipitation_preceding_hour_mm = 0"),
        "A month's precipitation is",
    ),
    "rain of other hours": (
        "stg_weather__hourly",
        """
        update staging.stg_weather__hourly set precipitation_preceding_hour_mm = earlier.precipitation_preceding_hour_mm
        from staging.stg_weather__hourly as earlier
        where earlier.hour_utc = stg_weather__hourly.hour_utc - interval 20 hour
        """,
        "Rain falls from clouds",
    ),
    "warm snow": (
        "stg_weather__hourly",
        WEATHER.format("snowfall_preceding_hour_cm = rain_preceding_hour_mm, rain_preceding_hour_mm = 0"),
        "Snow falls below 4 degrees",
    ),
    "temperatures filled in": (
        "stg_weather__hourly",
        WEATHER.format("temperature_celsius = 20 where extract(day from hour_utc) = 16"),
        "A temperature holds for six hours",
    ),
    "a temperature of another place": (
        "stg_weather__hourly",
        WEATHER.format("temperature_celsius = 40 where hour_utc = '2024-09-14 09:00:00'"),
        "From hour to hour",
    ),
    "a day's weather twice": (
        "stg_weather__hourly",
        """
        update staging.stg_weather__hourly set temperature_celsius = earlier.temperature_celsius
        from staging.stg_weather__hourly as earlier
        where
            earlier.hour_utc = stg_weather__hourly.hour_utc - interval 3 day
            and extract(day from earlier.hour_utc) = 9
        """,
        "No two days have the same temperature",
    ),
    "a night of rain lost": (
        "stg_weather__hourly",
        WEATHER.format("precipitation_preceding_hour_mm = null where extract(day from hour_utc) = 16"),
        "Hours without a value among hours with one",
    ),
    "a month without humidity": (
        "stg_weather__hourly",
        "insert into staging.stg_weather__hourly select * replace (hour_utc + interval 30 day as hour_utc, "
        "'2024-10' as "
        "source_month, null as humidity_pct) from staging.stg_weather__hourly where hour_utc >= '2024-09-02 05:00:00'",
        "A measure that the next month has",
    ),
    "dew point above the temperature": (
        "stg_weather__hourly",
        WEATHER.format("temperature_celsius = dew_point_celsius, dew_point_celsius = temperature_celsius"),
        "The dew point is never above the temperature; where",
    ),
    "humidity of the next hour": (
        "dim_weather",
        "update marts.dim_weather set humidity_pct = 61 where hour_utc = '2024-09-14 09:00:00'",
        "An hour holds the temperature at its beginning",
    ),
    "bad weather called good": (
        "dim_weather",
        "update marts.dim_weather set is_adverse = true",
        "A class follows from its measures",
    ),
    "minutes of another hour": (
        "fct_hourly_mobility",
        "update marts.fct_hourly_mobility set duration_minutes_sum = duration_minutes_sum + 1 where hour_utc = "
        "'2024-09-14 09:00:00'",
        "The trips of an hour, their minutes",
    ),
    "shares exchanged": (
        "fct_hourly_mobility",
        "update marts.fct_hourly_mobility set share_of_hour_pct = 100 - share_of_hour_pct",
        "The modes share each hour",
    ),
    "Labor Day lost": (
        "dim_date",
        "update marts.dim_date set is_holiday = false, holiday_name = null",
        "Federal holidays, by date",
    ),
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
        "A ride that is there twice",
    ),
    "a taxi trip twice": (
        "fct_trips",
        "insert into marts.fct_trips from marts.fct_trips where trip_id like '%#77'",
        "A taxi trip's id is its file",
    ),
    "a taxi trip for another": (
        "fct_trips",
        TAXI.format("trip_id = replace(trip_id, '#77', '#78')"),
        "A taxi trip's id is its file",
    ),
    "a file under two months": (
        "fct_trips",
        TAXI.format("source_month = '2024-10'"),
        "A taxi trip's id is its file",
    ),
    "a ride with the id of a taxi trip": (
        "fct_trips",
        BIKE.format("trip_id = 'yellow_tripdata_2024-09.parquet#7'") + " and trip_id = 'RIDE7'",
        "A ride that is there twice",
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
        "update marts.fct_trips set is_voided = true where trip_id like '%#1_'",
        "The trips of an hour, their minutes",
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
    warehouse = damaged("update staging.stg_tlc__yellow_taxi set vendor_id = 8 where source_row <= 40")
    summary = validate(warehouse, suites("stg_tlc__yellow_taxi"), SETTINGS, tmp_path / "out")
    assert summary.ok
    (new,) = [item for item in summary.outcomes if item.status == "failed"]
    assert (new.severity, new.column, new.unexpected_count, new.samples) == ("warning", "vendor_id", 40, [8] * 5)
