{{ config(materialized='view') }}

with

yellow_taxi as (

    select
        'yellow_taxi' as trip_type,
        _source_month as source_month,
        _source_file as source_file,
        _source_version as source_version,
        count(*) as raw_row_count,
        cast(0 as bigint) as duplicate_count

    from {{ source('tlc', 'yellow_taxi') }}
    group by 1, 2, 3, 4

),

citibike_rows as (

    select
        _source_month as source_month,
        _source_file as source_file,
        _source_version as source_version,
        count(*) as raw_row_count

    from {{ source('citibike', 'trips') }}
    group by 1, 2, 3

),

citibike_duplicates as (

    select
        source_month,
        source_file,
        count(*) as duplicate_count

    from {{ ref('int_citibike__duplicate_rides') }}
    group by 1, 2

),

citibike as (

    select
        'citibike' as trip_type,
        citibike_rows.source_month,
        citibike_rows.source_file,
        citibike_rows.source_version,
        citibike_rows.raw_row_count,
        coalesce(citibike_duplicates.duplicate_count, 0) as duplicate_count

    from citibike_rows
    left join citibike_duplicates
        on
            citibike_rows.source_month = citibike_duplicates.source_month
            and citibike_rows.source_file = citibike_duplicates.source_file

),

unioned as (

    select * from yellow_taxi

    union all

    select * from citibike

)

select * from unioned
