with

weather as (

    select * from {{ ref('stg_weather__hourly') }}

),

loaded_hours as (

    select hour_utc
    from {{ ref('int_loaded_hours') }}

),

-- Strays need a row too: the fact is read, though it is the fact that refers to this dimension.
trip_hours as (

    select distinct pickup_hour_utc as hour_utc
    from {{ ref('int_trips__by_hour') }}
    where pickup_hour_utc is not null

),

hours as (

    select
        hour_utc,
        max(is_covered) = 1 as is_covered

    from (
        select
            hour_utc,
            1 as is_covered
        from loaded_hours

        union all

        select
            hour_utc,
            0 as is_covered
        from trip_hours
    ) as all_hours
    group by 1

),

-- Precipitation is published as the sum of the preceding hour: what falls from h to h + 1 stands at h + 1.
measured as (

    select
        hours.hour_utc,
        {{ utc_to_nyc('hours.hour_utc') }} as hour_nyc,
        hours.is_covered,
        at_the_hour.temperature_celsius,
        at_the_hour.feels_like_celsius,
        at_the_hour.dew_point_celsius,
        at_the_hour.humidity_pct,
        at_the_hour.cloud_cover_pct,
        at_the_hour.pressure_hpa,
        at_the_hour.wind_speed_mps,
        at_the_hour.wind_direction_degrees,
        an_hour_later.precipitation_preceding_hour_mm as precipitation_mm,
        an_hour_later.rain_preceding_hour_mm as rain_mm,
        an_hour_later.snowfall_preceding_hour_cm as snowfall_cm

    from hours
    left join weather as at_the_hour
        on hours.hour_utc = at_the_hour.hour_utc
    left join weather as an_hour_later
        on {{ dbt.dateadd('hour', 1, 'hours.hour_utc') }} = an_hour_later.hour_utc

),

-- The flags lean on three-valued logic: true or false as soon as the known measures decide, else null.
classified as (

    select
        -- ids
        hour_utc,

        -- strings
        case
            when temperature_celsius < 0 then 'cold'
            when temperature_celsius < 10 then 'cool'
            when temperature_celsius < 20 then 'mild'
            when temperature_celsius < 30 then 'warm'
            when temperature_celsius >= 30 then 'hot'
            else 'unknown'
        end as temperature_category,
        case
            when rain_mm > 0 and snowfall_cm > 0 then 'mixed'
            when rain_mm > 0 and snowfall_cm = 0 then 'rain'
            when rain_mm = 0 and snowfall_cm > 0 then 'snow'
            when precipitation_mm = 0 and coalesce(rain_mm, 0) = 0 and coalesce(snowfall_cm, 0) = 0 then 'none'
            else 'unknown'
        end as precipitation_type,
        case
            when precipitation_mm = 0 then 'none'
            when precipitation_mm < 2.5 then 'light'
            when precipitation_mm < 7.6 then 'moderate'
            when precipitation_mm < 50 then 'heavy'
            when precipitation_mm >= 50 then 'extreme'
            else 'unknown'
        end as precipitation_intensity,
        case
            when wind_speed_mps < 5 then 'calm'
            when wind_speed_mps < 10 then 'breezy'
            when wind_speed_mps < 15 then 'windy'
            when wind_speed_mps < 20 then 'very windy'
            when wind_speed_mps >= 20 then 'strong'
            else 'unknown'
        end as wind_category,

        -- numbers
        temperature_celsius,
        feels_like_celsius,
        dew_point_celsius,
        humidity_pct,
        precipitation_mm,
        rain_mm,
        snowfall_cm,
        cloud_cover_pct,
        pressure_hpa,
        wind_speed_mps,
        wind_direction_degrees,

        -- booleans
        temperature_celsius between 15 and 25
        and precipitation_mm = 0
        and wind_speed_mps < 10
        and cloud_cover_pct < 50 as is_pleasant,
        precipitation_mm > 5
        or temperature_celsius < -5
        or temperature_celsius > 35
        or wind_speed_mps > 15 as is_adverse,
        temperature_celsius between 10 and 25
        and precipitation_mm = 0
        and wind_speed_mps < 15 as is_good_cycling,
        is_covered,

        -- timestamps
        hour_nyc

    from measured

)

select * from classified
