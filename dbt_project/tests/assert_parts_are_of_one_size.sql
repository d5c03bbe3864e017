{#- All numbered parts of a month but the last have the same number of rows, and the last has no more. -#}
{{ config(severity='warn') }}

with

parts as (

    select
        source_name,
        source_month,
        source_file,
        row_count,
        {{ archive_part_number('source_file') }} as part_number

    from {{ ref('stg_meta__source_files') }}

),

numbered as (

    select
        source_name,
        source_month,
        source_file,
        row_count,
        part_number,
        max(part_number) over (partition by source_name, source_month) as last_part_number,
        max(row_count) over (partition by source_name, source_month) as largest_row_count

    from parts
    where part_number is not null

)

select
    source_name,
    source_month,
    source_file,
    row_count,
    largest_row_count

from numbered
where
    part_number < last_part_number
    and row_count <> largest_row_count
