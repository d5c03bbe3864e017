{#- All numbered parts of a month but the last have the same number of rows, and the last has no more. -#}
{{ config(severity='warn') }}

with

parts as (

    select
        source_name,
        source_month,
        source_file,
        row_count,
        {{ regexp_capture('source_file', '^(.*)_[0-9]+[.]csv$') }} as parts_of,
        {{ regexp_capture('source_file', '_([0-9]+)[.]csv$') }} as part_number

    from {{ ref('stg_meta__source_files') }}

),

numbered as (

    select
        source_name,
        source_month,
        source_file,
        row_count,
        cast(part_number as integer) as part_number,
        max(cast(part_number as integer)) over (partition by source_name, source_month, parts_of) as last_part_number,
        max(row_count) over (partition by source_name, source_month, parts_of) as largest_row_count

    from parts
    where parts_of <> ''

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
