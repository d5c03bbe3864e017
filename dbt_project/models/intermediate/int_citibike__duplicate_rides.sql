{{
    config(
        materialized='incremental',
        incremental_strategy='replace_changed_months',
        unique_key=['trip_type', 'source_month'],
        on_schema_change='fail',
    )
}}

with

-- From the source each time: of a part that is read twice, DuckDB would write down every ride. Hashes take a third less
-- time than the texts; a chance meeting of two only brings one more candidate.
repeated_hashes as (

    select {{ hash_text('ride_id') }} as ride_hash
    from {{ source('citibike', 'trips') }}
    where ride_id <> ''
    {% if is_incremental() %}
        and ride_id in (
            select ride_id from {{ source('citibike', 'trips') }}
            where {{ is_of_changed_month('citibike', '_source_month') }}
        )
    {% endif %}
    group by 1
    having count(*) > 1

),

candidates as (

    select
        ride_id,
        _source_month as source_month,
        _source_file as source_file,
        _source_row as source_row,
        start_station_id,
        end_station_id,
        started_at,
        ended_at

    from {{ source('citibike', 'trips') }}
    where ride_id <> '' and {{ hash_text('ride_id') }} in (select repeated_hashes.ride_hash from repeated_hashes)

),

numbered as (

    select
        *,
        row_number() over copies as copy_number,
        first_value(source_month) over copies as first_source_month,
        min(started_at) over of_one_id as first_start,
        max(started_at) over of_one_id as last_start,
        min(ended_at) over of_one_id as first_end,
        max(ended_at) over of_one_id as last_end,
        min(start_station_id) over of_one_id <> max(start_station_id) over of_one_id as has_several_starts,
        min(end_station_id) over of_one_id <> max(end_station_id) over of_one_id as has_several_ends

    from candidates
    window
        of_one_id as (partition by ride_id),
        copies as (
            partition by ride_id
            order by source_month, source_file, source_row
        )

),

-- Since June 2024 times have fractions of a second: a ride over the end of May is in one file with them and in the
-- other without.
judged as (

    select
        *,
        coalesce(has_several_starts, false)
        or coalesce(has_several_ends, false)
        or coalesce({{ elapsed('first_start', 'last_start', 'second') }} > 60, false)
        or coalesce({{ elapsed('first_end', 'last_end', 'second') }} > 60, false) as has_reused_id

    from numbered

),

repeated as (

    select
        ride_id,
        'citibike' as trip_type,
        source_month,
        source_file,
        source_row,
        case when has_reused_id then source_month else first_source_month end as kept_source_month,
        has_reused_id

    from judged
    where (has_reused_id or copy_number > 1)
    {% if is_incremental() %}
        and {{ is_of_changed_month('citibike') }}
    {% endif %}

)

select * from repeated
