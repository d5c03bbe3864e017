{#-
    Of the hours with trips of each mode in each New York month, 99.9 % have a temperature. A gap in the weather is no error anywhere
    else: a left join hides it. Asked of the dates for which weather was ordered, or, where no dates are given, of the
    loaded weather months.
-#}
{%- set first_date = first_weather_date() -%}
{%- set last_date = last_weather_date() -%}
with

trip_hours as (

    select
        trip_type,
        hour_utc,
        date_day

    from {{ ref('fct_hourly_mobility') }}
    where trips > 0

),

weather as (

    select
        hour_utc,
        temperature_celsius

    from {{ ref('dim_weather') }}

),

ordered_hours as (

    select
        trip_hours.trip_type,
        trip_hours.hour_utc,
        trip_hours.date_day

    from trip_hours
    {% if 'weather' not in var('enabled_sources') %}
        where false
    {% elif first_date and last_date %}
        where trip_hours.date_day between cast('{{ first_date }}' as date) and cast('{{ last_date }}' as date)
    {% else %}
        where
            exists (
                select 1
                from {{ ref('int_loaded_months') }} as months
                where
                    months.source_name = 'weather'
                    and trip_hours.hour_utc >= months.starts_at_utc
                    and trip_hours.hour_utc < months.ends_at_utc
            )
    {% endif %}

),

months as (

    select
        ordered_hours.trip_type,
        {{ dbt.date_trunc('month', 'ordered_hours.date_day') }} as month_start,
        count(*) as hours_with_trips,
        count(weather.temperature_celsius) as hours_with_weather

    from ordered_hours
    left join weather
        on ordered_hours.hour_utc = weather.hour_utc
    group by 1, 2

)

select * from months
where hours_with_weather * 1000 < hours_with_trips * 999
