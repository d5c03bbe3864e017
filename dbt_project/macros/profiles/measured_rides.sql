{#-
    CitiBike rides with what their months' profiles are made of, of changed months where it is known which have.
    A macro and not a CTE: it is read a few times, and an engine would keep all its rows for that.
-#}
{% macro measured_rides() -%}
    with

    months as (

        select * from {{ ref('int_loaded_months') }}
        where source_name = 'citibike'

    ),

    -- From staging, as places are in no fact.
    rides as (

        select
            rides.*,
            months.starts_at_nyc,
            months.ends_at_nyc,
            rides.pickup_at_nyc >= months.starts_at_nyc and rides.pickup_at_nyc < months.ends_at_nyc as is_of_month,
            cast(rides.pickup_at_nyc as date) as pickup_date,
            {{ iso_day_of_week('cast(rides.pickup_at_nyc as date)') }} <= 5 as is_weekday,
            cast(extract(hour from rides.pickup_at_nyc) as integer) as pickup_hour_of_day,
            cast(rides.duration_minutes as double) as minutes,
            rides.start_latitude between 40.4 and 41.1
            and rides.start_longitude between -74.4 and -73.5
            and rides.end_latitude between 40.4 and 41.1
            and rides.end_longitude between -74.4 and -73.5 as is_in_new_york

        from {{ ref('stg_citibike__trips') }} as rides
        inner join months
            on rides.source_month = months.source_month
        {% if is_incremental() -%}
            where {{ is_of_changed_month('citibike', 'rides.source_month') }}
        {%- endif %}

    ),

    -- In New York a degree of latitude is 69.1 miles, one of longitude 52.4.
    measured_rides as (

        select
            *,
            cast(floor(minutes * 60) as bigint) as seconds,
            case
                when is_in_new_york
                    then cast(floor(100 * sqrt(
                        (end_latitude - start_latitude) * 69.1 * (end_latitude - start_latitude) * 69.1
                        + (end_longitude - start_longitude) * 52.4 * (end_longitude - start_longitude) * 52.4
                    )) as bigint)
            end as hundredths_of_miles

        from rides

    ),

    -- What is correlated: a mile's twentieth and a minute, at the least.
    usual as (

        select
            *,
            case when seconds between 60 and 3600 and hundredths_of_miles between 5 and 1500 then seconds end
                as usual_seconds,
            case when seconds between 60 and 3600 and hundredths_of_miles between 5 and 1500 then hundredths_of_miles end
                as usual_hundredths_of_miles

        from measured_rides

    )

    select * from usual
{%- endmacro %}
