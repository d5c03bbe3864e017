with

hourly as (

    select * from {{ ref('fct_hourly_mobility') }}
    where is_covered

),

dates as (

    select * from {{ ref('dim_date') }}

),

weather as (

    select * from {{ ref('dim_weather') }}

),

hours as (

    select
        hourly.hour_utc,
        hourly.trip_type,
        hourly.date_day,
        hourly.hour_of_day,
        hourly.hour_nyc,
        hourly.trips,
        dates.day_of_week,
        weather.precipitation_type in ('rain', 'mixed') as is_rain,
        weather.precipitation_mm = 0 as is_dry

    from hourly
    inner join dates
        on hourly.date_day = dates.date_day
    inner join weather
        on hourly.hour_utc = weather.hour_utc

),

-- New York's dates and hours: across a change of the clock, an hour of the week stays the same hour of people's week.
expected as (

    select
        rain.hour_utc,
        rain.trip_type,
        count(*) as dry_hours,
        sum(dry.trips) as dry_trips

    from hours as rain
    inner join hours as dry
        on
            rain.trip_type = dry.trip_type
            and rain.day_of_week = dry.day_of_week
            and rain.hour_of_day = dry.hour_of_day
            and dry.date_day between {{ dbt.dateadd('day', -28, 'rain.date_day') }}
            and {{ dbt.dateadd('day', 28, 'rain.date_day') }}
    where
        rain.is_rain
        and dry.is_dry
    group by 1, 2

),

compared as (

    select
        -- ids
        hours.hour_utc,
        hours.trip_type,
        hours.date_day,
        hours.hour_of_day,

        -- numbers
        hours.trips,
        cast(expected.dry_hours as integer) as dry_hours,
        cast(cast(expected.dry_trips as double) / expected.dry_hours as decimal(38, 18)) as expected_trips,

        -- timestamps
        hours.hour_nyc

    from hours
    inner join expected
        on
            hours.hour_utc = expected.hour_utc
            and hours.trip_type = expected.trip_type

)

select * from compared
