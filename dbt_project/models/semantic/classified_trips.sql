{{ config(materialized='view') }}

with

trips as (

    select
        -- ids
        trip_id,
        trip_type,
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
        trips,
        passenger_count,
        passengers,
        duration_minutes,
        distance_miles,
        fare_amount,
        tip_amount,
        total_amount,

        -- booleans
        is_counted,
        is_voided,
        is_suspect,
        has_distance,
        has_passenger_count,

        -- timestamps
        pickup_hour_nyc

    from {{ ref('counted_trips') }}

),

classified as (

    {{ classify_trips('trips') }}

)

select * from classified
