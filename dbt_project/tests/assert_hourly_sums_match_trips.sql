{#- Sums over fct_hourly_mobility are sums over fct_trips, mode by mode and to the cent: strays lose no hour. -#}
with

hourly as (

    select
        trip_type,
        sum(trips) as trips,
        sum(revenue) as revenue

    from {{ ref('fct_hourly_mobility') }}
    group by 1

),

trips as (

    select
        trip_type,
        count(case when not is_voided then 1 end) as trips,
        sum(total_amount) as revenue

    from {{ ref('fct_trips') }}
    where not is_suspect
    group by 1

)

select
    coalesce(hourly.trip_type, trips.trip_type) as trip_type,
    hourly.trips as hourly_trips,
    trips.trips,
    hourly.revenue as hourly_revenue,
    trips.revenue

from hourly
full outer join trips
    on hourly.trip_type = trips.trip_type
where
    coalesce(hourly.trips, 0) <> coalesce(trips.trips, 0)
    or coalesce(hourly.revenue, 0) <> coalesce(trips.revenue, 0)
