with

covered_days as (

    select * from {{ ref('covered_days') }}

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
        {{ utc_to_nyc('hour_utc') }} as hour_nyc

    from (
        select
            hours.hour_utc,
            covered_days.trip_type
        from {{ ref('int_loaded_hours') }} as hours
        inner join covered_days
            on
                hours.source_name = covered_days.trip_type
                and cast(hours.hour_nyc as date) = covered_days.date_day

        union distinct

        select
            hour_utc,
            trip_type
        from hourly
    ) as all_hours

),

filled as (

    select
        hours.hour_utc,
        hours.trip_type,
        hours.hour_nyc,
        covered_days.date_day is not null as is_covered,
        coalesce(covered_days.is_covered_by_all_modes, false) as is_covered_by_all_modes,
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
    left join covered_days
        on
            hours.trip_type = covered_days.trip_type
            and cast(hours.hour_nyc as date) = covered_days.date_day

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
            when is_covered_by_all_modes and trips_of_all_modes > 0
                then 100.0 * cast(trips as double) / cast(trips_of_all_modes as double)
        end as share_of_hour_pct,

        -- booleans
        is_covered,

        -- timestamps
        hour_nyc

    from shared

)

select * from final
