with

loaded_hours as (

    select
        source_name as trip_type,
        hour_utc

    from {{ ref('int_loaded_hours') }}
    where source_name in ('yellow_taxi', 'citibike')

),

hourly as (

    select
        pickup_hour_utc as hour_utc,
        trip_type,
        cast(sum(trips) as bigint) as trips,
        sum(duration_minutes) as duration_minutes_sum,
        sum(distance_miles) as distance_miles_sum,
        sum(passengers) as passengers,
        sum(revenue) as revenue

    from {{ ref('int_trips__by_hour') }}
    where sound_trips > 0
    group by 1, 2

),

-- Dense over the loaded months, and longer where a trip lies outside its own: sums over hours are sums over trips.
hours as (

    select
        hour_utc,
        trip_type,
        max(is_covered) = 1 as is_covered

    from (
        select
            hour_utc,
            trip_type,
            1 as is_covered
        from loaded_hours

        union all

        select
            hour_utc,
            trip_type,
            0 as is_covered
        from hourly
    ) as all_hours
    group by 1, 2

),

filled as (

    select
        hours.hour_utc,
        hours.trip_type,
        hours.is_covered,
        {{ utc_to_nyc('hours.hour_utc') }} as hour_nyc,
        coalesce(hourly.trips, 0) as trips,
        coalesce(hourly.duration_minutes_sum, 0) as duration_minutes_sum,
        case when hours.trip_type = 'yellow_taxi' then coalesce(hourly.distance_miles_sum, 0) end as distance_miles_sum,
        case when hours.trip_type = 'yellow_taxi' then coalesce(hourly.passengers, 0) end as passengers,
        case when hours.trip_type = 'yellow_taxi' then coalesce(hourly.revenue, 0) end as revenue

    from hours
    left join hourly
        on
            hours.hour_utc = hourly.hour_utc
            and hours.trip_type = hourly.trip_type

),

shared as (

    select
        *,
        sum(trips) over (partition by hour_utc) as trips_of_all_modes

    from filled

),

final as (

    select
        -- ids
        hour_utc,
        trip_type,
        cast(hour_nyc as date) as date_day,
        cast(extract(hour from hour_nyc) as integer) as hour_of_day,

        -- numbers
        trips,
        cast(duration_minutes_sum as decimal(38, 6)) as duration_minutes_sum,
        cast(distance_miles_sum as decimal(38, 2)) as distance_miles_sum,
        cast(passengers as bigint) as passengers,
        cast(revenue as decimal(38, 2)) as revenue,
        case
            when trips_of_all_modes > 0
                then 100.0 * cast(trips as double) / cast(trips_of_all_modes as double)
        end as share_of_hour_pct,

        -- booleans
        is_covered,

        -- timestamps
        hour_nyc

    from shared

)

select * from final
