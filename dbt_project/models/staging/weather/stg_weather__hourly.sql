with

source as (

    select * from {{ source('weather', 'hourly_weather') }}

),

renamed as (

    select
        -- ids
        _source_file as source_file,
        _source_month as source_month,
        _source_row as source_row,
        _source_version as source_version,

        -- numbers
        temperature_2m as temperature_celsius,
        apparent_temperature as feels_like_celsius,
        dew_point_2m as dew_point_celsius,
        relative_humidity_2m as humidity_pct,
        precipitation as precipitation_preceding_hour_mm,
        rain as rain_preceding_hour_mm,
        snowfall as snowfall_preceding_hour_cm,
        cloud_cover as cloud_cover_pct,
        pressure_msl as pressure_hpa,
        wind_speed_10m as wind_speed_mps,
        wind_direction_10m as wind_direction_degrees,

        -- timestamps
        time as hour_utc

    from source

),

-- Each month brings the first hour of the next one along: the newest file's row counts.
numbered as (

    select
        *,
        row_number() over (
            partition by hour_utc
            order by source_month desc, source_row desc, source_file desc
        ) as copy_number

    from renamed

),

newest as (

    select
        source_file,
        source_month,
        source_row,
        source_version,
        temperature_celsius,
        feels_like_celsius,
        dew_point_celsius,
        humidity_pct,
        precipitation_preceding_hour_mm,
        rain_preceding_hour_mm,
        snowfall_preceding_hour_cm,
        cloud_cover_pct,
        pressure_hpa,
        wind_speed_mps,
        wind_direction_degrees,
        hour_utc

    from numbered
    where copy_number = 1

)

select * from newest
