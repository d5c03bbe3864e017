{{ config(materialized='view') }}

with

source_files as (

    select * from {{ ref('stg_meta__source_files') }}
    where source_name in ('yellow_taxi', 'citibike')

),

duplicates as (

    select
        source_month,
        source_file,
        count(*) as duplicate_count

    from {{ ref('int_citibike__duplicate_rides') }}
    where not has_reused_id
    group by 1, 2

),

partitions as (

    select
        source_files.source_name as trip_type,
        source_files.source_month,
        source_files.source_file,
        source_files.source_version,
        source_files.row_count as raw_row_count,
        case
            when source_files.source_name = 'citibike' then coalesce(duplicates.duplicate_count, 0)
            else 0
        end as duplicate_count

    from source_files
    left join duplicates
        on
            source_files.source_month = duplicates.source_month
            and source_files.source_file = duplicates.source_file

)

select * from partitions
