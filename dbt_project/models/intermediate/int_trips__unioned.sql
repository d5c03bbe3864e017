{{ config(materialized='view') }}

with

yellow_taxi as (

    select * from {{ ref('stg_tlc__yellow_taxi') }}

),

citibike as (

    select * from {{ ref('stg_citibike__trips') }}

),

unioned as (

    select
        trip_id,
        'yellow_taxi' as trip_type,
        source_file,
        source_month,
        source_row,
        source_version,
        vendor_id,
        rate_code_id,
        payment_type_code,
        pickup_location_id,
        dropoff_location_id,
        cast(null as {{ dbt.type_string() }}) as start_station_id,
        cast(null as {{ dbt.type_string() }}) as end_station_id,
        payment_type,
        cast(null as {{ dbt.type_string() }}) as member_type,
        cast(null as {{ dbt.type_string() }}) as rideable_type,
        request_source,
        suspect_reason,
        passenger_count,
        distance_miles,
        duration_minutes,
        speed_mph,
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
        is_voided,
        is_suspect,
        pickup_at_nyc,
        dropoff_at_nyc,
        pickup_at_utc,
        dropoff_at_utc

    from yellow_taxi

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
