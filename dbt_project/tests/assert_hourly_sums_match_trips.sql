{#-
    Sums over fct_hourly_mobility are sums over fct_trips, mode by mode and to the cent: strays lose no hour. By way of
    int_trips__by_hour, so that only the trips of changed partitions are added up once more.
-#}
with

hourly as (

    select
        trip_type,
        cast(null as {{ dbt.type_string() }}) as source_month,
        sum(trips) as trips,
        sum(revenue) as revenue

    from {{ ref('fct_hourly_mobility') }}
    group by 1, 2

),

all_hours as (

    select
        trip_type,
        cast(null as {{ dbt.type_string() }}) as source_month,
        sum(trips) as trips,
        sum(revenue) as revenue

    from {{ ref('int_trips__by_hour') }}
    group by 1, 2

),

changed_hours as (

    select
        trip_type,
        source_month,
        sum(trips) as trips,
        sum(revenue) as revenue

    from {{ ref('int_trips__by_hour') }}
    where {{ is_of_changed_partition() }}
    group by 1, 2

),

changed_trips as (

    select
        trip_type,
        source_month,
        count(case when not is_suspect and not is_voided then 1 end) as trips,
        sum(case when not is_suspect then total_amount end) as revenue

    from {{ ref('fct_trips') }}
    where {{ is_of_changed_partition() }}
    group by 1, 2

),

added_up as (

    select * from hourly

    union all

    select * from changed_hours

),

single as (

    select * from all_hours

    union all

    select * from changed_trips

)

select
    coalesce(added_up.trip_type, single.trip_type) as trip_type,
    coalesce(added_up.source_month, single.source_month) as source_month,
    added_up.trips as trips_added_up,
    single.trips,
    added_up.revenue as revenue_added_up,
    single.revenue

from added_up
full outer join single
    on
        added_up.trip_type = single.trip_type
        and added_up.source_month is not distinct from single.source_month
where
    coalesce(added_up.trips, 0) <> coalesce(single.trips, 0)
    or coalesce(added_up.revenue, 0) <> coalesce(single.revenue, 0)
