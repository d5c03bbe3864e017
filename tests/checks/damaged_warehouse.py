"""Damage inside: to the raw tables before the models are built, and to the models before they are tested."""

from __future__ import annotations

from damage import Damage, inside

TAXI = "update raw_data.yellow_taxi set {} where _source_month = '2024-10'"
BIKE = "update raw_data.trips set {} where _source_month = '2024-10'"
FACT = "update marts.fct_trips set {} where source_month = '2024-10' and trip_type = '{}'"


def raw(name: str, words: str, *statements: str) -> Damage:
    return inside(f"raw: {name}", words, "raw", *statements)


def models(name: str, words: str, *statements: str) -> Damage:
    return inside(f"model: {name}", words, "models", *statements)


DAMAGES = [
    raw(
        "a day of taxi trips lost",
        "the rows of one day are gone after the load",
        "delete from raw_data.yellow_taxi where cast(tpep_pickup_datetime as date) = '2024-10-16'",
    ),
    raw(
        "one row lost",
        "a single row is gone after the load",
        "delete from raw_data.trips where _source_month = '2024-10' and _source_row = 77 and _source_file "
        "like '%_1.csv'",
    ),
    raw(
        "a part of bike rides lost",
        "the rows of an archive's second part are gone",
        "delete from raw_data.trips where _source_file = '202410-citibike-tripdata.zip/202410-citibike-tripdata_2.csv'",
    ),
    raw(
        "taxi month twice",
        "a month's rows are there twice",
        "insert into raw_data.yellow_taxi from raw_data.yellow_taxi where _source_month = '2024-10'",
    ),
    raw(
        "bike part twice",
        "a part's rows are there twice",
        "insert into raw_data.trips from raw_data.trips where _source_file like '%202410%_1.csv'",
    ),
    raw(
        "a night of weather lost",
        "the hours of one night are gone",
        "delete from raw_data.hourly_weather where time between '2024-10-16 04:00:00' and '2024-10-16 11:00:00'",
    ),
    raw(
        "a month of weather lost",
        "the hours of a month are gone",
        "delete from raw_data.hourly_weather where _source_month = '2024-10'",
    ),
    raw(
        "weather twice",
        "the hours of a month are there twice",
        "insert into raw_data.hourly_weather from raw_data.hourly_weather where _source_month = '2024-10'",
    ),
    raw(
        "rows under another month",
        "rows of one file are filed under another month",
        "update raw_data.trips set _source_month = '2024-11' where _source_month = '2024-10' and _source_row % 9 = 0",
    ),
    raw("a zone lost", "a zone is gone from the lookup", "delete from raw_data.taxi_zones where location_id = 237"),
    raw("positions lost", "all rows of a file have position 1", TAXI.format("_source_row = 1")),
    raw("fares null", "fares are null after the load", TAXI.format("fare_amount = null")),
    raw(
        "types narrowed",
        "amounts lose their cents in the load",
        TAXI.format(
            "fare_amount = cast(fare_amount as integer), tip_amount = cast(tip_amount as integer), "
            "total_amount = cast(total_amount as integer)"
        ),
    ),
    models(
        "one trip lost",
        "a single trip is not in fct_trips",
        "delete from marts.fct_trips where trip_id = (select min(trip_id) from marts.fct_trips)",
    ),
    models(
        "a trip twice",
        "a single trip is in fct_trips twice",
        "insert into marts.fct_trips from marts.fct_trips where trip_id = (select min(trip_id) from marts.fct_trips)",
    ),
    models(
        "a trip for another",
        "one trip is there twice, and another is missing",
        "update marts.fct_trips set trip_id = trip_id || 'x' where trip_id = (select min(trip_id) from "
        "marts.fct_trips)",
    ),
    models(
        "fares one per cent high",
        "fares in fct_trips are 1 % too high",
        FACT.format("fare_amount = round(fare_amount * 1.01, 2)", "yellow_taxi"),
    ),
    models(
        "one total changed",
        "a single total in fct_trips is one cent off",
        "update marts.fct_trips set total_amount = total_amount + 0.01 where trip_id = (select min(trip_id)"
        " from marts.fct_trips where trip_type = 'yellow_taxi')",
    ),
    models(
        "suspects acquitted",
        "no trip is suspect",
        "update marts.fct_trips set is_suspect = false, suspect_reason = null",
    ),
    models(
        "sound trips suspected",
        "one trip in twenty is suspect without reason",
        "update marts.fct_trips set is_suspect = true, suspect_reason = 'ends_before_start' where "
        "hash(trip_id) % 20 = 0",
    ),
    models("reversals counted", "no trip is voided", "update marts.fct_trips set is_voided = false"),
    models(
        "voided twins counted",
        "the trips that reversals take back are not voided",
        "update marts.fct_trips set is_voided = false where total_amount > 0",
    ),
    models(
        "sound trips voided",
        "one taxi trip in twenty is voided",
        "update marts.fct_trips set is_voided = true where hash(trip_id) % 20 = 0 and trip_type = 'yellow_taxi'",
    ),
    models("a mode lost", "no rides are in fct_trips", "delete from marts.fct_trips where trip_type = 'citibike'"),
    models(
        "stations exchanged",
        "start and end station exchanged in fct_trips",
        FACT.format("start_station_id = end_station_id, end_station_id = start_station_id", "citibike"),
    ),
    models(
        "an old version",
        "a month's trips are of a file that was replaced",
        FACT.format("source_version = '0000000000000000'", "citibike"),
    ),
    models(
        "an hour lost",
        "an hour is missing in fct_hourly_mobility",
        "delete from marts.fct_hourly_mobility where hour_utc = '2024-10-16 13:00:00' and trip_type = 'citibike'",
    ),
    models(
        "an hour twice",
        "an hour is twice in fct_hourly_mobility",
        "insert into marts.fct_hourly_mobility from marts.fct_hourly_mobility where hour_utc = '2024-10-16 "
        "13:00:00' and trip_type = 'citibike'",
    ),
    models(
        "empty hours lost",
        "fct_hourly_mobility has no hours without trips",
        "delete from marts.fct_hourly_mobility where trips = 0",
    ),
    models(
        "revenue of other hours",
        "two hours have each other's revenue",
        "update marts.fct_hourly_mobility set revenue = (select revenue from marts.fct_hourly_mobility as "
        "other where other.trip_type = 'yellow_taxi' and other.hour_utc = case fct_hourly_mobility.hour_utc"
        " when '2024-10-16 13:00:00' then timestamp '2024-10-16 14:00:00' else timestamp '2024-10-16 "
        "13:00:00' end) where trip_type = 'yellow_taxi' and hour_utc in ('2024-10-16 13:00:00', '2024-10-16"
        " 14:00:00')",
    ),
    models(
        "minutes of other hours",
        "an hour has too many minutes, another too few",
        "update marts.fct_hourly_mobility set duration_minutes_sum = duration_minutes_sum + case "
        "hour(hour_utc) when 13 then 5 else -5 end where trip_type = 'citibike' and hour_utc in "
        "('2024-10-16 13:00:00', '2024-10-16 14:00:00')",
    ),
    models(
        "hours not covered",
        "one day's hours do not count as covered",
        "update marts.fct_hourly_mobility set is_covered = false where date_day = '2024-10-16'",
    ),
    models("a day lost", "a day is missing in dim_date", "delete from marts.dim_date where date_day = '2024-10-16'"),
    models(
        "a holiday lost",
        "Columbus Day is no holiday",
        "update marts.dim_date set is_holiday = false, holiday_name = null where date_day = '2024-10-14'",
    ),
    models(
        "an hour of weather lost",
        "an hour is missing in dim_weather",
        "delete from marts.dim_weather where hour_utc = '2024-10-16 13:00:00'",
    ),
    models(
        "weather of the next hour",
        "temperatures in dim_weather are the next hour's",
        "update marts.dim_weather set temperature_celsius = other.temperature_celsius from "
        "marts.dim_weather as other where other.hour_utc = dim_weather.hour_utc + interval 1 hour",
    ),
    models(
        "precipitation of the hour before",
        "precipitation in dim_weather fell in the hour before",
        "update marts.dim_weather set precipitation_mm = published.precipitation_preceding_hour_mm from "
        "staging.stg_weather__hourly as published where dim_weather.hour_utc = published.hour_utc",
    ),
    models(
        "humidity of the next hour",
        "humidity in dim_weather is the next hour's",
        "update marts.dim_weather set humidity_pct = other.humidity_pct from marts.dim_weather as other "
        "where other.hour_utc = dim_weather.hour_utc + interval 1 hour",
    ),
    models(
        "classes exchanged",
        "cool hours are called mild",
        "update marts.dim_weather set temperature_category = 'mild' where temperature_category = 'cool'",
    ),
    models(
        "rain called snow",
        "hours of rain are called hours of snow",
        "update marts.dim_weather set precipitation_type = 'snow' where precipitation_type = 'rain'",
    ),
    models(
        "bad weather called good",
        "adverse hours are not adverse",
        "update marts.dim_weather set is_adverse = not is_adverse",
    ),
    models(
        "zones renamed",
        "two zones have each other's name in dim_location",
        "update marts.dim_location set zone_name = case location_id when 236 then 'Upper East Side South' "
        "else 'Upper East Side North' end where location_id in (236, 237)",
    ),
    models("late nights lost", "no hour is late night", "update marts.dim_time set is_late_night = false"),
]
