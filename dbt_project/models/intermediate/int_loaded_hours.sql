with

months as (

    select * from {{ ref('int_loaded_months') }}

),

hours as (

    select
        source_name,
        source_month,
        {{ explode_series('starts_at_utc', dbt.dateadd('hour', -1, 'ends_at_utc'), 'hour') }} as hour_utc

    from months

),

in_nyc as (

    select
        source_name,
        source_month,
        hour_utc,
        {{ utc_to_nyc('hour_utc') }} as hour_nyc

    from hours

)

select * from in_nyc
