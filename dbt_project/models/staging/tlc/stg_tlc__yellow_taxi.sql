with

source as (

    select * from {{ source('tlc', 'yellow_taxi') }}

),

-- Twice, as DuckDB computes a CTE that is used twice by itself, and then every column of the join above it.
pickup_year as (

    select * from {{ ref('int_nyc_daylight_saving') }}

),

dropoff_year as (

    select * from {{ ref('int_nyc_daylight_saving') }}

),

months as (

    select * from {{ ref('int_loaded_months') }}
    where source_name = 'yellow_taxi'

),

voided_trips as (

    select * from {{ ref('int_tlc__voided_trips') }}

),

renamed as (

    select
        -- ids
        {{ trip_key('_source_file', '_source_row') }} as trip_id,
        _source_file as source_file,
        _source_month as source_month,
        _source_row as source_row,
        _source_version as source_version,
        vendor_id,
        ratecode_id as rate_code_id,
        payment_type as payment_type_code,
        pu_location_id as pickup_location_id,
        do_location_id as dropoff_location_id,

        -- strings
        request_source,

        -- numbers
        passenger_count,
        {{ hundredths('trip_distance') }} as distance_miles,
        {{ hundredths('fare_amount') }} as fare_amount,
        {{ hundredths('extra') }} as extra_amount,
        {{ hundredths('mta_tax') }} as mta_tax_amount,
        {{ hundredths('tip_amount') }} as tip_amount,
        {{ hundredths('tolls_amount') }} as tolls_amount,
        {{ hundredths('improvement_surcharge') }} as improvement_surcharge_amount,
        {{ hundredths('congestion_surcharge') }} as congestion_surcharge_amount,
        {{ hundredths('airport_fee') }} as airport_fee_amount,
        {{ hundredths('cbd_congestion_fee') }} as cbd_congestion_fee_amount,
        {{ hundredths('total_amount') }} as total_amount,

        -- booleans
        case store_and_fwd_flag when 'Y' then true when 'N' then false end as is_store_and_forward,

        -- timestamps
        tpep_pickup_datetime as pickup_at_nyc,
        tpep_dropoff_datetime as dropoff_at_nyc

    from source

),

in_utc as (

    select
        renamed.*,
        months.pickups_begin_at_nyc,
        months.pickups_end_at_nyc,
        voided_trips.source_row is not null as is_voided,
        {{ nyc_to_utc('renamed.pickup_at_nyc', 'pickup_year') }} as pickup_at_utc,
        {{ nyc_to_utc('renamed.dropoff_at_nyc', 'dropoff_year') }} as dropoff_at_utc_first_reading,
        {{ nyc_to_utc('renamed.dropoff_at_nyc', 'dropoff_year', 'second') }} as dropoff_at_utc_second_reading

    from renamed
    left join pickup_year
        on extract(year from renamed.pickup_at_nyc) = pickup_year.year_number
    left join dropoff_year
        on extract(year from renamed.dropoff_at_nyc) = dropoff_year.year_number
    left join months
        on renamed.source_month = months.source_month
    left join voided_trips
        on
            renamed.source_month = voided_trips.source_month
            and renamed.source_file = voided_trips.source_file
            and renamed.source_row = voided_trips.source_row

),

ended as (

    select
        *,
        case
            when dropoff_at_utc_first_reading < pickup_at_utc then dropoff_at_utc_second_reading
            else dropoff_at_utc_first_reading
        end as dropoff_at_utc

    from in_utc

),

timed as (

    select
        *,
        {{ elapsed('pickup_at_utc', 'dropoff_at_utc', 'microsecond') }} as duration_microseconds

    from ended

),

judged as (

    select
        *,
        {{ suspect_reason(
            'pickup_at_nyc', 'pickups_begin_at_nyc', 'pickups_end_at_nyc', 'pickup_at_utc', 'dropoff_at_utc',
            'duration_microseconds', 'distance_miles'
        ) }} as suspect_reason

    from timed

),

final as (

    select
        -- ids
        trip_id,
        source_file,
        source_month,
        source_row,
        source_version,
        vendor_id,
        rate_code_id,
        payment_type_code,
        pickup_location_id,
        dropoff_location_id,

        -- strings
        case payment_type_code
            when 0 then 'flex fare'
            when 1 then 'credit card'
            when 2 then 'cash'
            when 3 then 'no charge'
            when 4 then 'dispute'
            when 5 then 'unknown'
            when 6 then 'voided trip'
            else 'code ' || cast(payment_type_code as {{ dbt.type_string() }})
        end as payment_type,
        request_source,
        suspect_reason,

        -- numbers
        passenger_count,
        distance_miles,
        {{ duration_minutes('duration_microseconds') }} as duration_minutes,
        {{ speed_mph('distance_miles', 'duration_microseconds') }} as speed_mph,
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
        is_store_and_forward,
        is_voided,
        suspect_reason is not null as is_suspect,

        -- timestamps
        pickup_at_nyc,
        dropoff_at_nyc,
        pickup_at_utc,
        dropoff_at_utc

    from judged

)

select * from final
