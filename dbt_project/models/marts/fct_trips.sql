{{
    config(
        materialized='incremental',
        incremental_strategy='replace_stale_trips',
        on_schema_change='fail',
    )
}}

{#- Named here too, so that they are built before the strategy asks them what is stale. -#}
{% set asked_by_the_strategy = [ref('int_source_partitions'), ref('int_citibike__duplicate_rides')] %}

with

trips as (

    select * from {{ ref('int_trips__unioned') }}
    {% if is_incremental() %}
        -- No rows: the strategy takes the stale months from the same view, without a temporary copy of them.
        where false
    {% endif %}

),

selected as (

    select
        -- ids
        trip_id,
        trip_type,
        source_file,
        source_month,
        source_row,
        source_version,
        vendor_id,
        rate_code_id,
        payment_type_code,
        pickup_date,
        pickup_hour_of_day,
        pickup_hour_utc,
        pickup_location_id,
        dropoff_location_id,
        start_station_id,
        end_station_id,

        -- strings
        payment_type,
        member_type,
        rideable_type,
        request_source,
        suspect_reason,

        -- numbers
        duration_minutes,
        distance_miles,
        speed_mph,
        passenger_count,
        fare_amount,
        extra_amount,
        mta_tax_amount,
        tip_amount,
        tolls_amount,
        improvement_surcharge_amount,
        congestion_surcharge_amount,
        airport_fee_amount,
        cbd_congestion_fee_amount,
        total_amount,

        -- booleans
        is_voided,
        has_reused_id,
        is_suspect,

        -- timestamps
        pickup_at_utc,
        dropoff_at_utc,
        pickup_at_nyc,
        dropoff_at_nyc

    from trips

)

select * from selected
