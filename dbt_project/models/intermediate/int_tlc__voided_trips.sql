{{
    config(
        materialized='incremental',
        incremental_strategy='replace_changed_months',
        unique_key=['trip_type', 'source_month'],
        on_schema_change='fail',
    )
}}

with

trips as (

    select
        _source_month as source_month,
        _source_file as source_file,
        _source_row as source_row,
        vendor_id,
        tpep_pickup_datetime as pickup_at_nyc,
        tpep_dropoff_datetime as dropoff_at_nyc,
        pu_location_id as pickup_location_id,
        do_location_id as dropoff_location_id,
        {{ hundredths('total_amount') }} as total_amount

    from {{ source('tlc', 'yellow_taxi') }}
    {% if is_incremental() %}
        where {{ is_of_changed_month('yellow_taxi', '_source_month') }}
    {% endif %}

),

negatives as (

    select * from trips
    where total_amount < 0

),

-- One row per key, so that the join below cannot multiply a trip.
reversals as (

    select
        source_month,
        vendor_id,
        pickup_at_nyc,
        dropoff_at_nyc,
        pickup_location_id,
        dropoff_location_id,
        total_amount,
        count(*) as reversal_count

    from negatives
    group by 1, 2, 3, 4, 5, 6, 7

),

-- Only trips that share a key with a reversal are ever sorted. A null vendor, time or zone equals another.
twins as (

    select
        trips.source_month,
        trips.source_file,
        trips.source_row,
        reversals.reversal_count,
        row_number() over (
            partition by
                trips.source_month,
                trips.vendor_id,
                trips.pickup_at_nyc,
                trips.dropoff_at_nyc,
                trips.pickup_location_id,
                trips.dropoff_location_id,
                trips.total_amount
            order by trips.source_row, trips.source_file
        ) as twin_number

    from trips
    inner join reversals
        on
            trips.source_month = reversals.source_month
            and trips.total_amount = -reversals.total_amount
            and trips.vendor_id is not distinct from reversals.vendor_id
            and trips.pickup_at_nyc is not distinct from reversals.pickup_at_nyc
            and trips.dropoff_at_nyc is not distinct from reversals.dropoff_at_nyc
            and trips.pickup_location_id is not distinct from reversals.pickup_location_id
            and trips.dropoff_location_id is not distinct from reversals.dropoff_location_id

),

-- One-to-one: so many reversals void at most so many twins.
voided as (

    select
        'yellow_taxi' as trip_type,
        source_month,
        source_file,
        source_row

    from negatives

    union all

    select
        'yellow_taxi' as trip_type,
        source_month,
        source_file,
        source_row

    from twins
    where twin_number <= reversal_count

)

select * from voided
