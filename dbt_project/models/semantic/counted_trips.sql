{{ config(materialized='view') }}

with

trips as (

    select * from {{ ref('fct_trips') }}

),

counted as (

    select
        -- ids
        trip_id,
        trip_type,
        source_month,
        pickup_date,
        pickup_hour_of_day,
        pickup_hour_utc,
        pickup_location_id,
        dropoff_location_id,

        -- strings
        payment_type,
        member_type,
        rideable_type,
        suspect_reason,

        -- numbers
        1 as trips,
        passenger_count,
        passenger_count as passengers,
        duration_minutes,
        distance_miles,
        fare_amount,
        tip_amount,
        total_amount,

        -- booleans
        not is_voided and not is_suspect as is_counted,
        is_voided,
        is_suspect,
        distance_miles is not null as has_distance,
        passenger_count is not null as has_passenger_count,

        -- timestamps
        {{ dbt.date_trunc('hour', 'pickup_at_nyc') }} as pickup_hour_nyc

    from trips

)

select * from counted
