{#-
    Why a trip cannot have happened as published: the first reason that holds, or null.

    The last rule is 100 mph without its division, so that a distance covered in no time counts too:
    miles / hours > 100 where hours = microseconds / 3.6e9.
-#}
{% macro suspect_reason(
    source_month,
    pickup_at_nyc,
    pickup_at_utc,
    dropoff_at_utc,
    duration_microseconds,
    distance_miles
) -%}
    {%- set month_start = month_start(source_month) -%}
    case
        when {{ pickup_at_utc }} is null or {{ dropoff_at_utc }} is null then 'missing_time'
        when {{ dropoff_at_utc }} < {{ pickup_at_utc }} then 'ends_before_start'
        when {{ duration_microseconds }} > 86400000000 then 'longer_than_24_hours'
        when
            {{ pickup_at_nyc }} < {{ dbt.dateadd('day', -1, month_start) }}
            or {{ pickup_at_nyc }} >= {{ dbt.dateadd('day', 1, dbt.dateadd('month', 1, month_start)) }}
            then 'outside_source_month'
        when {{ distance_miles }} * 36000000 > {{ duration_microseconds }} then 'faster_than_100_mph'
    end
{%- endmacro %}
