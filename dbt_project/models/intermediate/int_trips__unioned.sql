{{ config(materialized='view') }}

with

yellow_taxi as (

    select * from {{ ref('stg_tlc__yellow_taxi') }}

),

citibike as (

    select * from {{ ref('stg_citibike__trips') }}

),

zones as (

    select location_id from {{ ref('stg_tlc__taxi_zones') }}

),

unioned as (

    select
        yellow_taxi.trip_id,
        'yellow_taxi' as trip_type,
        yellow_taxi.source_file,
        yellow_taxi.source_month,
        yellow_taxi.source_row,
        yellow_taxi.source_version,
        yellow_taxi.vendor_id,
        yellow_taxi.rate_code_id,
        yellow_taxi.payment_type_code,
        -- A zone that the lookup does not have is TLC's zone for one that is not known.
        coalesce(pickup_zones.location_id, 264) as pickup_location_id,
        coalesce(dropoff_zones.location_id, 264) as dropoff_location_id,
        cast(null as {{ dbt.type_string() }}) as start_station_id,
        cast(null as {{ dbt.type_string() }}) as end_station_id,
        yellow_taxi.payment_type,
        cast(null as {{ dbt.type_string() }}) as member_type,
        cast(null as {{ dbt.type_string() }}) as rideable_type,
        yellow_taxi.request_source,
        yellow_taxi.suspect_reason,
        yellow_taxi.passenger_count,
        yellow_taxi.distance_miles,
        yellow_taxi.duration_minutes,
        yellow_taxi.speed_mph,
        yellow_taxi.fare_amount,
        yellow_taxi.extra_amount,
        yellow_taxi.mta_tax_amount,
        yellow_taxi.tip_amount,
        yellow_taxi.tolls_amount,
        yellow_taxi.improvement_surcharge_amount,
        yellow_taxi.congestion_surcharge_amount,
        yellow_taxi.airport_fee_amount,
        yellow_taxi.cbd_congestion_fee_amount,
        yellow_taxi.total_amount,
        yellow_taxi.is_voided,
        false as has_reused_id,
        yellow_taxi.is_suspect,
        yellow_taxi.pickup_at_nyc,
        yellow_taxi.dropoff_at_nyc,
        yellow_taxi.pickup_at_utc,
        yellow_taxi.dropoff_at_utc

    from yellow_taxi
    left join zones as pickup_zones
        on yellow_taxi.pickup_location_id = pickup_zones.location_id
    left join zones as dropoff_zones
        on yellow_taxi.dropoff_location_id = dropoff_zones.location_id

    union all

    select
        trip_id,
        'citibike' as trip_type,
        source_file,
        source_month,
        source_row,
        source_version,
        cast(null as bigint) as vendor_id,
        cast(null as bigint) as rate_code_id,
        cast(null as bigint) as payment_type_code,
        cast(null as bigint) as pickup_location_id,
        cast(null as bigint) as dropoff_location_id,
        start_station_id,
        end_station_id,
        cast(null as {{ dbt.type_string() }}) as payment_type,
        member_type,
        rideable_type,
        cast(null as {{ dbt.type_string() }}) as request_source,
        suspect_reason,
        cast(null as bigint) as passenger_count,
        cast(null as decimal(18, 2)) as distance_miles,
        duration_minutes,
        cast(null as double) as speed_mph,
        cast(null as decimal(18, 2)) as fare_amount,
        cast(null as decimal(18, 2)) as extra_amount,
        cast(null as decimal(18, 2)) as mta_tax_amount,
        cast(null as decimal(18, 2)) as tip_amount,
        cast(null as decimal(18, 2)) as tolls_amount,
        cast(null as decimal(18, 2)) as improvement_surcharge_amount,
        cast(null as decimal(18, 2)) as congestion_surcharge_amount,
        cast(null as decimal(18, 2)) as airport_fee_amount,
        cast(null as decimal(18, 2)) as cbd_congestion_fee_amount,
        cast(null as decimal(18, 2)) as total_amount,
        false as is_voided,
        has_reused_id,
        is_suspect,
        pickup_at_nyc,
        dropoff_at_nyc,
        pickup_at_utc,
        dropoff_at_utc

    from citibike

),

keyed as (

    select
        *,
        cast(pickup_at_nyc as date) as pickup_date,
        cast(extract(hour from pickup_at_nyc) as integer) as pickup_hour_of_day,
        cast({{ dbt.date_trunc('hour', 'pickup_at_utc') }} as timestamp) as pickup_hour_utc

    from unioned

)

select * from keyed
