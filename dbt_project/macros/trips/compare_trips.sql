{#-
    Rows of trips, single or added up, once for every mode, on days that all modes cover: of a mode, its own trips beside
    those of all modes.

    Args:
        trips: relation of the rows.
        ids: those of their keys that they do not all have.
-#}
{% macro compare_trips(trips, ids) -%}
    select
        -- ids
        {% for id in ids -%}
            trips.{{ id }},
        {% endfor -%}
        days.trip_type,
        trips.pickup_date,
        trips.pickup_hour_of_day,
        trips.pickup_hour_utc,

        -- numbers
        cast(case when trips.trip_type = days.trip_type then trips.trips else 0 end as bigint) as trips,
        cast(trips.trips as bigint) as trips_of_all_modes,

        -- timestamps
        trips.pickup_hour_nyc

    from {{ trips }} as trips
    inner join {{ ref('covered_days') }} as days
        on trips.pickup_date = days.date_day
    where
        trips.is_counted
        and days.is_covered_by_all_modes
{%- endmacro %}
