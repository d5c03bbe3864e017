{#-
    A weather file holds each hour of its New York month and the one after it. Months that the ordered dates cut short
    are left out.
-#}
{%- set first_date = first_weather_date() -%}
{%- set last_date = last_weather_date() -%}
with

months as (

    select
        source_month,
        starts_at_utc,
        {{ elapsed('starts_at_utc', 'ends_at_utc', 'hour') }} + 1 as hours_expected

    from {{ ref('int_loaded_months') }}
    where
        source_name = 'weather'
        and starts_at_nyc >= cast('{{ first_date or '0001-01-01' }}' as timestamp)
        and ends_at_nyc <= {{ dbt.dateadd('day', 1, "cast('" ~ (last_date or '9999-12-30') ~ "' as timestamp)") }}

),

loaded as (

    select
        _source_month as source_month,
        count(distinct time) as hours_loaded,
        min(time) as first_hour_utc

    from {{ source('weather', 'hourly_weather') }}
    group by 1

)

select
    months.source_month,
    months.hours_expected,
    loaded.hours_loaded,
    loaded.first_hour_utc

from months
left join loaded
    on months.source_month = loaded.source_month
where
    coalesce(loaded.hours_loaded, 0) <> months.hours_expected
    or loaded.first_hour_utc <> months.starts_at_utc
