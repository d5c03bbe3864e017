{{
    config(
        materialized='incremental',
        incremental_strategy='replace_changed_months',
        unique_key=['source', 'source_month'],
        on_schema_change='fail',
    )
}}

{% set statistics = {
    'trips': rows_of(),
    'days_without_trips': days_without_rows('pickup_date'),
    'hours_of_day_in_use': distinct_of('pickup_hour_of_day'),
    'stations_in_use': distinct_of('start_station_id'),

    'share_of_trips_outside_month': share_of('not is_of_month'),
    'share_of_suspect_trips': share_of('suspect_reason is not null'),
    'share_of_trips_that_end_before_they_start': share_of('dropoff_at_utc < pickup_at_utc'),
    'share_of_trips_in_first_minute_of_hour': share_of('extract(minute from pickup_at_nyc) = 0'),
    'share_of_trips_on_whole_minutes': share_of('extract(second from pickup_at_nyc) = 0'),
    'night_trips_per_afternoon_trip': rows_per_row_of(
        'pickup_hour_of_day between 2 and 4', 'pickup_hour_of_day between 16 and 18'
    ),
    'early_trips_per_morning_trip': rows_per_row_of(
        'is_weekday and pickup_hour_of_day between 5 and 6', 'is_weekday and pickup_hour_of_day between 8 and 9'
    ),

    'share_without_start_station': share_of('start_station_id is null'),
    'share_without_end_station': share_of('end_station_id is null'),
    'excess_of_rides_without_start_station': difference_of(
        share_of('start_station_id is null'), share_of('end_station_id is null')
    ),
    'share_without_station_name': share_of(
        '(start_station_id is not null and start_station_name is null)'
        ~ ' or (end_station_id is not null and end_station_name is null)'
    ),
    'share_without_ride_id': share_of('ride_id is null', 'rideable_type is not null'),
    'share_without_rider': share_of('member_type is null'),
    'share_without_kind_of_bike': share_of('rideable_type is null', 'ride_id is not null'),
    'share_of_station_ids_without_last_digit': share_of(
        "start_station_id like '____._'", "start_station_id like '____.%'"
    ),

    'share_of_members': share_of("member_type = 'member'", 'member_type is not null'),
    'share_of_electric_bikes': share_of("rideable_type = 'electric_bike'", 'rideable_type is not null'),
    'share_of_round_trips': share_of(
        'start_station_id = end_station_id', 'start_station_id is not null and end_station_id is not null'
    ),
    'share_with_other_duration': share_of(
        'abs(published_duration_seconds - minutes * 60) > 61', 'published_duration_seconds is not null'
    ),

    'share_without_place': share_of(
        'start_latitude is null or start_longitude is null or end_latitude is null or end_longitude is null'
    ),
    'share_outside_new_york': share_of('not is_in_new_york', 'is_in_new_york is not null'),
    'share_in_jersey_city': share_of('start_longitude < -74.02', 'start_longitude is not null'),
    'share_of_rounded_places': share_of(
        'abs(start_latitude * 100 - round(start_latitude * 100)) < 0.000001'
        ~ ' or abs(start_longitude * 100 - round(start_longitude * 100)) < 0.000001', 'start_latitude is not null'
    ),

    'correlation_of_minutes_and_miles': correlation_of('usual_seconds', 'usual_hundredths_of_miles'),
    'share_over_30_mph': share_of('36 * usual_hundredths_of_miles > 30 * usual_seconds', 'usual_seconds is not null'),
} %}

{% set medians = {
    'median_minutes': 'floor(minutes * 10) / 10',
    'median_mph':
        'case when usual_hundredths_of_miles >= 30 then floor(360 * usual_hundredths_of_miles / usual_seconds) / 10 end',
} %}

{% set shares = {
    'share_of_trips_by_hour': 'pickup_hour_of_day',
    'share_of_trips_by_rider': 'member_type',
    'share_of_trips_by_kind_of_bike': 'rideable_type',
    'share_of_trips_by_suspect_reason': "coalesce(suspect_reason, 'none')",
} %}

with

rides as (

    select
        source_month,
        start_station_id,
        end_station_id,
        start_latitude,
        start_longitude,
        end_latitude,
        end_longitude

    from {{ ref('stg_citibike__trips') }}
    {% if is_incremental() %}
        where {{ is_of_changed_month('citibike') }}
    {% endif %}

),

-- By cells of a thousandth of a degree, a hundred metres: a station's place is the cell where most of its rides begin.
starts_by_cell as (

    select
        source_month,
        start_station_id as station_id,
        floor(start_latitude * 1000) as cell_north,
        floor(start_longitude * 1000) as cell_east,
        count(*) as rides

    from rides
    where start_station_id is not null and start_latitude is not null and start_longitude is not null
    group by 1, 2, 3, 4

),

ends_by_cell as (

    select
        source_month,
        end_station_id as station_id,
        floor(end_latitude * 1000) as cell_north,
        floor(end_longitude * 1000) as cell_east,
        count(*) as rides

    from rides
    where end_station_id is not null and end_latitude is not null and end_longitude is not null
    group by 1, 2, 3, 4

),

rides_by_cell as (

    select * from starts_by_cell
    union all
    select * from ends_by_cell

),

ranked_cells as (

    select
        *,
        first_value(cell_north) over cells as station_north,
        first_value(cell_east) over cells as station_east

    from rides_by_cell
    window cells as (
        partition by source_month, station_id
        order by rides desc, cell_north asc, cell_east asc
    )

),

-- Ten cells are some two thirds of a mile.
away_from_stations as (

    select
        source_month,
        'share_away_from_station' as statistic,
        '' as cut,
        {{ ratio_of(
            'sum(case when abs(cell_north - station_north) > 10 or abs(cell_east - station_east) > 10 then rides else 0 end)',
            'sum(rides)'
        ) }} as value,
        sum(rides) as row_count

    from ranked_cells
    group by 1

),

-- Below are grouping sets, which sqlfluff's DuckDB does not know.
-- noqa: disable=PRS
{{ profile(
    'citibike',
    '(' ~ measured_rides() ~ ')',
    statistics,
    medians,
    shares,
    told_apart_by=[
        'pickup_at_nyc', 'dropoff_at_nyc', 'start_station_id', 'end_station_id', 'member_type', 'rideable_type'
    ],
    others=['away_from_stations'],
) }}

select * from profile
