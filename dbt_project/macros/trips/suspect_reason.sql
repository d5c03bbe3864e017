{#-
    Why a trip cannot have happened as published: the first reason that holds, or null.

    The last rule is 100 mph without a division by the time, so that a distance covered in no time counts too:
    miles / hours > 100 where hours = microseconds / 3.6e9. No distance is too large for a double.

    Which pick-ups belong to the file's month is a column of int_loaded_months: made of the month's text trip by trip, it
    would cost as much as all other rules together.
-#}
{% macro suspect_reason(
    pickup_at_nyc,
    pickups_begin_at_nyc,
    pickups_end_at_nyc,
    pickup_at_utc,
    dropoff_at_utc,
    duration_microseconds,
    distance_miles
) -%}
    case
        when {{ pickup_at_utc }} is null or {{ dropoff_at_utc }} is null then 'missing_time'
        when {{ dropoff_at_utc }} < {{ pickup_at_utc }} then 'ends_before_start'
        when {{ duration_microseconds }} > 86400000000 then 'longer_than_24_hours'
        when
            {{ pickup_at_nyc }} < {{ pickups_begin_at_nyc }}
            or {{ pickup_at_nyc }} >= {{ pickups_end_at_nyc }}
            then 'outside_source_month'
        when
            cast({{ distance_miles }} as double) > cast({{ duration_microseconds }} as double) / 36000000
            then 'faster_than_100_mph'
    end
{%- endmacro %}
