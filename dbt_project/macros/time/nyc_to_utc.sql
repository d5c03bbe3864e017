{#-
    UTC of a New York wall time by arithmetic alone, given its year's row of int_nyc_daylight_saving.

    `reading` says how the repeated hour of November is read: 'first' is daylight time (EDT), 'second' is
    standard time (EST). A time in March's gap is before `daylight_begins_at_nyc`, and so read as EST.
    Without a row for the year (a null time, a clock gone mad) the time is read as EST too.

    Args:
        wall_time: the wall time.
        daylight_saving: alias of the joined row.
        reading: 'first' or 'second'.
-#}
{% macro nyc_to_utc(wall_time, daylight_saving, reading='first') -%}
    {%- set ends_at = 'daylight_ends_at_nyc' if reading == 'first' else 'repeated_hour_begins_at_nyc' -%}
    case
        when
            {{ wall_time }} >= {{ daylight_saving }}.daylight_begins_at_nyc
            and {{ wall_time }} < {{ daylight_saving }}.{{ ends_at }}
            then {{ dbt.dateadd('hour', 4, wall_time) }}
        else {{ dbt.dateadd('hour', 5, wall_time) }}
    end
{%- endmacro %}
