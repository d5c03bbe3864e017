{#-
    The trips of each hour, their minutes, miles, passengers and revenue are those of fct_trips, to the cent. Asked of the
    partitions that may not be those of the last build; that fct_hourly_mobility has these sums, its expectations say.
-#}
with

added_up as (

    select
        trip_type,
        source_month,
        pickup_hour_utc,
        sum(trips) as trips,
        sum(duration_minutes) as duration_minutes,
        sum(distance_miles) as distance_miles,
        sum(passengers) as passengers,
        sum(revenue) as revenue

    from {{ ref('int_trips__by_hour') }}
    where {{ is_of_changed_partition() }}
    group by 1, 2, 3

),

single as (

    select
        trip_type,
        source_month,
        pickup_hour_utc,
        count(case when not is_voided then 1 end) as trips,
        sum(case when not is_voided then duration_minutes end) as duration_minutes,
        sum(case when not is_voided then distance_miles end) as distance_miles,
        sum(case when not is_voided then passenger_count end) as passengers,
        sum(total_amount) as revenue

    from {{ ref('fct_trips') }}
    where not is_suspect and {{ is_of_changed_partition() }}
    group by 1, 2, 3

)

select
    coalesce(added_up.trip_type, single.trip_type) as trip_type,
    coalesce(added_up.source_month, single.source_month) as source_month,
    coalesce(added_up.pickup_hour_utc, single.pickup_hour_utc) as hour_utc,
    added_up.trips as trips_added_up,
    single.trips,
    added_up.revenue as revenue_added_up,
    single.revenue

from added_up
full outer join single
    on
        added_up.trip_type = single.trip_type
        and added_up.source_month = single.source_month
        and added_up.pickup_hour_utc is not distinct from single.pickup_hour_utc
where
    {% for measure in ('trips', 'duration_minutes', 'distance_miles', 'passengers', 'revenue') -%}
        {{ 'or ' if not loop.first }}coalesce(added_up.{{ measure }}, 0) <> coalesce(single.{{ measure }}, 0)
    {% endfor -%}
