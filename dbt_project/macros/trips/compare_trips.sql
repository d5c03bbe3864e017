{#-
    Rows of trips, single or added up, once for every mode, on days that all modes cover: of a mode, its own trips beside
    those of all modes.

    Args:
        trips: relation of the rows.
        ids: their keys but the day and hour.
-#}
{% macro compare_trips(trips, ids) -%}
with

trips as (

    select * from {{ trips }}
    where is_counted

),

days as (

    select * from {{ ref('covered_days') }}
    where is_covered_by_all_modes

),

compared as (

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

    from trips
    inner join days
        on trips.pickup_date = days.date_day

)

select * from compared
{%- endmacro %}
