{{ config(materialized='table') }}

{#- What is asked of every measure, by the names that it has here. -#}
{% set measures = {
    'temperature': 'temperature_celsius',
    'feels like': 'feels_like_celsius',
    'dew point': 'dew_point_celsius',
    'humidity': 'humidity_pct',
    'precipitation': 'precipitation_preceding_hour_mm',
    'rain': 'rain_preceding_hour_mm',
    'snowfall': 'snowfall_preceding_hour_cm',
    'cloud cover': 'cloud_cover_pct',
    'pressure': 'pressure_hpa',
    'wind speed': 'wind_speed_mps',
    'wind direction': 'wind_direction_degrees',
} %}

{% set is_wet = 'precipitation_preceding_hour_mm > 0' %}

{% set statistics = {
    'hours': rows_of(),
    'longest_run_of_one_temperature_hours': largest_of('hours_of_run'),
    'temperature_jumps_over_12_celsius': rows_of('is_jump'),
    'precipitation_mm': sum_of('cast(precipitation_preceding_hour_mm as decimal(18, 2))'),
    'share_of_wet_hours': share_of(is_wet, 'precipitation_preceding_hour_mm is not null'),
    'share_of_snowy_hours_over_6_celsius': share_of(
        'temperature_celsius > 6', 'snowfall_preceding_hour_cm > 0 and temperature_celsius is not null'
    ),
    'share_of_wet_hours_not_rain_and_snow': share_of(
        'abs(precipitation_preceding_hour_mm - rain_preceding_hour_mm - snowfall_preceding_hour_cm / 0.7)'
        ~ ' > 0.2 + 0.1 * precipitation_preceding_hour_mm',
        is_wet ~ ' and rain_preceding_hour_mm is not null and snowfall_preceding_hour_cm is not null'
    ),
    'share_of_dew_points_over_temperature': share_of(
        'dew_point_celsius > temperature_celsius + 2',
        'dew_point_celsius is not null and temperature_celsius is not null'
    ),
    'share_of_hours_with_clouds_over_20_pct': share_of('cloud_cover_pct > 20', 'cloud_cover_pct is not null'),
    'share_of_hours_with_wind_from_west': share_of('wind_direction_degrees > 180', 'wind_direction_degrees is not null'),
} %}

{% set medians = {
    'median_temperature_celsius': 'temperature_celsius',
    'median_humidity_pct': 'humidity_pct',
    'median_wind_speed_mps': 'wind_speed_mps',
    'median_pressure_hpa': 'pressure_hpa',
    'median_cloud_cover_pct': 'cloud_cover_pct',
    'median_cloud_cover_of_wet_hours_pct': 'case when ' ~ is_wet ~ ' then cloud_cover_pct end',
    'median_precipitation_of_wet_hours_mm': 'case when ' ~ is_wet ~ ' then precipitation_preceding_hour_mm end',
} %}

with

-- Of all months, as a month's last hour is another file's where the next month is there.
hours as (

    select
        *,
        cast(hour_utc as date) as day_utc,
        cast(extract(hour from hour_utc) as integer) as hour_of_day,
        lag(temperature_celsius) over hours_in_order as temperature_before,
        lag(hour_utc) over hours_in_order as hour_before

    from {{ ref('stg_weather__hourly') }}
    window hours_in_order as (
        partition by source_month
        order by hour_utc
    )

),

numbered_runs as (

    select
        *,
        hour_before = {{ dbt.dateadd('hour', -1, 'hour_utc') }}
        and abs(temperature_celsius - temperature_before) > 12 as is_jump,
        sum(case when temperature_celsius = temperature_before then 0 else 1 end) over (
            partition by source_month
            order by hour_utc
        ) as run_number

    from hours

),

measured_hours as (

    select
        *,
        count(temperature_celsius) over (partition by source_month, run_number) as hours_of_run

    from numbered_runs

),

-- Two days agree where they do in each of their 24 hours.
hours_alike as (

    select
        this.source_month,
        this.day_utc

    from hours as this
    inner join hours as earlier
        on
            this.source_month = earlier.source_month
            and this.hour_of_day = earlier.hour_of_day
            and this.temperature_celsius = earlier.temperature_celsius
            and this.humidity_pct = earlier.humidity_pct
            and this.day_utc > earlier.day_utc
    group by this.source_month, this.day_utc, earlier.day_utc
    having count(*) = 24

),

days as (

    select distinct
        source_month,
        day_utc

    from hours

),

days_repeated as (

    select
        days.source_month,
        'days_repeated' as statistic,
        '' as cut,
        cast(count(distinct hours_alike.day_utc) as double) as value,
        count(distinct days.day_utc) as row_count

    from days
    left join hours_alike
        on days.source_month = hours_alike.source_month and days.day_utc = hours_alike.day_utc
    group by days.source_month

),

ranked_temperatures as (

    select
        source_month,
        hour_of_day,
        temperature_celsius,
        row_number() over (
            partition by source_month, hour_of_day
            order by temperature_celsius
        ) as temperature_rank,
        count(*) over (partition by source_month, hour_of_day) as days

    from hours
    where temperature_celsius is not null

),

temperatures_by_hour as (

    select
        source_month,
        'median_temperature_by_hour_celsius' as statistic,
        cast(hour_of_day as {{ dbt.type_string() }}) as cut,
        temperature_celsius as value,
        days as row_count

    from ranked_temperatures
    where temperature_rank = floor((days + 1) / 2)

),

readings as (

    {% for name, column in measures.items() -%}
        select
            source_month,
            hour_utc,
            '{{ name }}' as cut,
            {{ column }} as reading

        from hours
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

hours_without_value as (

    select
        source_month,
        'share_of_hours_without_value' as statistic,
        cut,
        1 - {{ ratio_of('count(reading)', 'count(*)') }} as value,
        count(*) as row_count

    from readings
    group by source_month, cut

),

-- The publisher fills in the last days later; between hours with a value there is hardly one without.
hours_without_value_between as (

    select
        source_month,
        'hours_without_value_between_others' as statistic,
        cut,
        cast({{ elapsed('min(hour_utc)', 'max(hour_utc)', 'hour') }} + 1 - count(*) as double) as value,
        count(*) as row_count

    from readings
    where reading is not null
    group by source_month, cut

),

-- Below are grouping sets, which sqlfluff's DuckDB does not know.
-- noqa: disable=PRS
{{ profile('weather', 'measured_hours', statistics, medians, {}, others=[
    'days_repeated', 'temperatures_by_hour', 'hours_without_value', 'hours_without_value_between'
]) }}

select * from profile
