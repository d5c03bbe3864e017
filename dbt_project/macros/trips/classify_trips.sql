{#-
    Rows of trips, single or added up, with the classes of their hour that metrics count by.

    Weather classes are null where the weather does not tell: an unknown hour is neither with rain nor without.
-#}
{% macro classify_trips(trips) -%}
    select
        {{ trips }}.*,
        times.day_part,
        weather.temperature_category,
        dates.is_weekend,
        not dates.is_weekend and times.is_rush_hour_weekday as is_rush_hour,
        not dates.is_weekend and times.is_business_hour_weekday as is_business_hour,
        times.is_late_night,
        weather.temperature_celsius is not null as has_weather,
        case
            when weather.precipitation_type <> 'unknown' then weather.precipitation_type in ('rain', 'mixed')
        end as is_in_rain,
        case
            when weather.precipitation_type <> 'unknown' then weather.precipitation_type in ('snow', 'mixed')
        end as is_in_snow,
        weather.is_adverse,
        weather.is_pleasant,
        weather.is_good_cycling

    from {{ trips }}
    left join {{ ref('dim_date') }} as dates
        on {{ trips }}.pickup_date = dates.date_day
    left join {{ ref('dim_time') }} as times
        on {{ trips }}.pickup_hour_of_day = times.hour_of_day
    left join {{ ref('dim_weather') }} as weather
        on {{ trips }}.pickup_hour_utc = weather.hour_utc
{%- endmacro %}
