{#-
    On no day of a loaded month is a mode without a trip: that is a hole in the file. Taxis have been on the street
    every single day, and bikes but for days of deep snow, when CitiBike closes (January 2015 and 2016, February 2021).
    Ten centimetres in five days explain an empty day of bikes; so does a winter's day for which no snowfall is known.
    Single days of a month with too few trips to tell are left to the warning.
-#}
with

days as (

    select
        trip_type,
        date_day,
        {{ dbt.date_trunc('month', 'date_day') }} as month_start,
        sum(trips) as trips

    from {{ ref('fct_hourly_mobility') }}
    where is_covered
    group by 1, 2, 3

),

months as (

    select
        trip_type,
        month_start,
        sum(trips) as trips

    from days
    group by 1, 2

),

empty_days as (

    select
        days.trip_type,
        days.date_day,
        months.trips as trips_of_the_month

    from days
    inner join months
        on
            days.trip_type = months.trip_type
            and days.month_start = months.month_start
    where days.trips = 0

),

snow as (

    select
        cast(hour_nyc as date) as date_day,
        sum(snowfall_cm) as snowfall_cm

    from {{ ref('dim_weather') }}
    group by 1

),

snowed_in as (

    select
        empty_days.trip_type,
        empty_days.date_day,
        sum(snow.snowfall_cm) as snowfall_cm

    from empty_days
    left join snow
        on
            empty_days.date_day >= snow.date_day
            and {{ dbt.dateadd('day', -5, 'empty_days.date_day') }} < snow.date_day
    group by 1, 2

)

select
    empty_days.trip_type,
    empty_days.date_day,
    empty_days.trips_of_the_month

from empty_days
inner join snowed_in
    on
        empty_days.trip_type = snowed_in.trip_type
        and empty_days.date_day = snowed_in.date_day
left join empty_days as next_days
    on
        empty_days.trip_type = next_days.trip_type
        and next_days.date_day = {{ dbt.dateadd('day', 1, 'empty_days.date_day') }}
where
    (empty_days.trips_of_the_month >= 1000 or next_days.date_day is not null)
    and not (
        empty_days.trip_type = 'citibike'
        and extract(month from empty_days.date_day) in (12, 1, 2, 3)
        and coalesce(snowed_in.snowfall_cm, 10) >= 10
    )
