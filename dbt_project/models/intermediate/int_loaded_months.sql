with

source_files as (

    select * from {{ ref('stg_meta__source_files') }}

),

daylight_saving as (

    select * from {{ ref('int_nyc_daylight_saving') }}

),

months as (

    select distinct
        source_name,
        source_month,
        {{ month_start('source_month') }} as starts_at_nyc,
        {{ dbt.dateadd('month', 1, month_start('source_month')) }} as ends_at_nyc

    from source_files
    where source_month is not null

),

in_utc as (

    select
        months.source_name,
        months.source_month,
        months.starts_at_nyc,
        months.ends_at_nyc,
        {{ dbt.dateadd('day', -1, 'months.starts_at_nyc') }} as pickups_begin_at_nyc,
        {{ dbt.dateadd('day', 1, 'months.ends_at_nyc') }} as pickups_end_at_nyc,
        {{ nyc_to_utc('months.starts_at_nyc', 'start_year') }} as starts_at_utc,
        {{ nyc_to_utc('months.ends_at_nyc', 'end_year') }} as ends_at_utc

    from months
    left join daylight_saving as start_year
        on extract(year from months.starts_at_nyc) = start_year.year_number
    left join daylight_saving as end_year
        on extract(year from months.ends_at_nyc) = end_year.year_number

)

select * from in_utc
