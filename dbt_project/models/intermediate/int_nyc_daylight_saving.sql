with

days as (

    select
        {{ explode_series("timestamp '1970-01-01 12:00:00'", "timestamp '2100-12-31 12:00:00'", 'day') }}
            as noon_utc

),

offsets as (

    select
        noon_utc,
        {{ elapsed('noon_utc', utc_to_nyc('noon_utc'), 'hour') }} as utc_offset_hours

    from days

),

compared as (

    select
        noon_utc,
        utc_offset_hours,
        lag(utc_offset_hours) over (order by noon_utc) as offset_the_day_before

    from offsets

),

years as (

    select
        cast(extract(year from noon_utc) as integer) as year_number,
        min(case when utc_offset_hours > offset_the_day_before then {{ dbt.date_trunc('day', 'noon_utc') }} end)
            as daylight_begins_on,
        min(case when utc_offset_hours < offset_the_day_before then {{ dbt.date_trunc('day', 'noon_utc') }} end)
            as daylight_ends_on

    from compared
    group by 1

),

wall_times as (

    select
        year_number,
        cast({{ dbt.dateadd('hour', 3, 'daylight_begins_on') }} as timestamp) as daylight_begins_at_nyc,
        cast({{ dbt.dateadd('hour', 1, 'daylight_ends_on') }} as timestamp) as repeated_hour_begins_at_nyc,
        cast({{ dbt.dateadd('hour', 2, 'daylight_ends_on') }} as timestamp) as daylight_ends_at_nyc

    from years

)

select * from wall_times
