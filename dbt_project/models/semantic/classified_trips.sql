{{ config(materialized='view') }}

with

trips as (

    select * from {{ ref('fct_trips') }}

),

dates as (

    select * from {{ ref('dim_date') }}

),

times as (

    select * from {{ ref('dim_time') }}

),

weather as (

    select * from {{ ref('dim_weather') }}

),

-- Null where the weather does not tell: an unknown hour is neither with rain nor without.
weather_classes as (

    select
        hour_utc,
        temperature_category,
        is_adverse,
        is_pleasant,
        is_good_cycling,
        temperature_celsius is not null as has_weather,
        case
            when precipitation_type <> 'unknown' then precipitation_type in ('rain', 'mixed')
        end as is_in_rain,
        case
            when precipitation_type <> 'unknown' then precipitation_type in ('snow', 'mixed')
        end as is_in_snow

    from weather

),

classified as (

    select
        -- ids
        trips.trip_type,
        trips.pickup_date,
        trips.pickup_hour_of_day,
        trips.pickup_hour_utc,
        trips.pickup_location_id,
        trips.dropoff_location_id,

        -- strings
        trips.payment_type,
        trips.member_type,
        trips.rideable_type,
        trips.suspect_reason,
        times.day_part,
        weather_classes.temperature_category,

        -- numbers
        trips.duration_minutes,
        trips.distance_miles,
        trips.passenger_count,
        trips.fare_amount,
        trips.tip_amount,
        trips.total_amount,

        -- booleans
        not trips.is_voided and not trips.is_suspect as is_counted,
        trips.is_voided,
        trips.is_suspect,
        trips.trip_type = 'yellow_taxi' or coalesce(dates.is_yellow_taxi_covered, false) as is_yellow_taxi_loaded,
        trips.trip_type = 'citibike' or coalesce(dates.is_citibike_covered, false) as is_citibike_loaded,
        dates.is_weekend,
        not dates.is_weekend and times.is_rush_hour_weekday as is_rush_hour,
        not dates.is_weekend and times.is_business_hour_weekday as is_business_hour,
        times.is_late_night,
        coalesce(weather_classes.has_weather, false) as has_weather,
        weather_classes.is_in_rain,
        weather_classes.is_in_snow,
        weather_classes.is_adverse,
        weather_classes.is_pleasant,
        weather_classes.is_good_cycling,

        -- timestamps
        trips.pickup_at_nyc

    from trips
    left join dates
        on trips.pickup_date = dates.date_day
    left join times
        on trips.pickup_hour_of_day = times.hour_of_day
    left join weather_classes
        on trips.pickup_hour_utc = weather_classes.hour_utc

)

select * from classified
