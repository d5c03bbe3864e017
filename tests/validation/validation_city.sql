-- A city of one month (2024-09, all of it daylight saving: UTC is four hours ahead) that every expectation holds in:
-- 4,000 taxi trips and 4,000 rides with a day's shape, zones that fit distances, fares by TLC's meter, and weather.

create schema staging;
create schema marts;

create table staging.stg_tlc__taxi_zones as
select column0 as location_id, column1 as borough, column2 as zone_name, column3 as service_zone
from read_csv('{zones}', header = false, nullstr = '');

create table marts.dim_location as
select *, service_zone in ('EWR', 'Airports') as is_airport
from staging.stg_tlc__taxi_zones;

-- Trips per hour of day, of 200.
create temp table hours_of_day as
select
    unnest(range(24)) as hour_of_day,
    unnest([5, 3, 2, 2, 1, 1, 4, 8, 10, 10, 9, 9, 10, 10, 11, 11, 11, 12, 14, 12, 12, 12, 12, 9]) as taxi_weight,
    unnest([3, 2, 1, 1, 1, 1, 5, 11, 15, 9, 7, 8, 9, 9, 10, 11, 14, 20, 19, 13, 10, 9, 7, 5]) as bike_weight;

create temp table taxi_hours as
select hour_of_day, row_number() over (order by hour_of_day) - 1 as slot
from (select hour_of_day, unnest(range(taxi_weight)) from hours_of_day);

create temp table bike_hours as
select hour_of_day, row_number() over (order by hour_of_day) - 1 as slot
from (select hour_of_day, unnest(range(bike_weight)) from hours_of_day);

create temp table taxi_trips as
with numbered as (
    select
        i,
        timestamp '2024-09-01' + to_days(cast((i // 200 + i) % 30 as integer))
        + to_hours(hour_of_day) + to_minutes(i % 60) + to_seconds(i % 59) as pickup_at_nyc,
        case when i % 20 = 0 then 132 when i % 10 = 3 then 20 else 2 + i % 60 end as pickup_location_id,
        case when i % 100 = 7 then 265 when i % 10 = 3 then 20 else 63 + i % 60 end as dropoff_location_id
    from range(4000) as trips (i)
    inner join taxi_hours on taxi_hours.slot = trips.i * 73 % (select count(*) from taxi_hours)
),
measured as (
    select
        *,
        cast(case
            when i % 20 = 0 then 17 + i % 3 when i % 10 = 3 then 0.6 else 1.2 + (i % 8) * 0.4
        end as decimal(18, 2)) as distance_miles,
        cast(case when i % 20 = 0 then 40 when i % 10 = 3 then 4 else 7 + (i % 8) * 2.5 end as decimal(18, 6))
            as duration_minutes
    from numbered
),
paid as (
    select
        *,
        cast(case when i % 20 = 0 then 70 else 5 + 4 * distance_miles end as decimal(18, 2)) as fare_amount
    from measured
)
select
    'yellow_tripdata_2024-09.parquet#' || i + 1 as trip_id,
    'yellow_tripdata_2024-09.parquet' as source_file,
    i + 1 as source_row,
    pickup_at_nyc,
    pickup_location_id,
    dropoff_location_id,
    distance_miles,
    duration_minutes,
    fare_amount,
    case when i % 16 = 5 then null when i % 20 = 0 then 2 else 1 end as rate_code_id,
    case when i % 16 = 5 then null else 1 + i % 2 end as passenger_count,
    case when i % 16 = 5 then 0 when i % 4 = 1 then 2 else 1 end as payment_type_code,
    case when i % 16 = 5 then 'flex fare' when i % 4 = 1 then 'cash' else 'credit card' end as payment_type,
    tip_amount,
    case when i % 20 = 0 then 6.94 else 0 end as tolls_amount,
    extra_amount,
    0.5 as mta_tax_amount,
    1 as improvement_surcharge_amount,
    2.5 as congestion_surcharge_amount,
    case when i % 20 = 0 then 1.75 else 0 end as airport_fee_amount,
    cast(
        fare_amount + 4 + case when i % 20 = 0 then 8.69 else 0 end + extra_amount + tip_amount as decimal(18, 2)
    ) as total_amount
from (
    select
        *,
        cast(case when i % 4 = 1 then 0 else fare_amount / 4 end as decimal(18, 2)) as tip_amount,
        case
            when extract(hour from pickup_at_nyc) >= 20 or extract(hour from pickup_at_nyc) < 6 then 1
            when extract(hour from pickup_at_nyc) >= 16 and extract(isodow from pickup_at_nyc) <= 5 then 2.5
            else 0
        end as extra_amount
    from paid
);

-- Station n is n hundred metres along a street.
create temp table bike_trips as
select
    'RIDE' || i as trip_id,
    timestamp '2024-09-01' + to_days(cast((i // 200 + i) % 30 as integer))
    + to_hours(hour_of_day) + to_minutes(i % 60) + to_seconds(i % 59) as pickup_at_nyc,
    cast(5 + i % 11 as decimal(18, 6)) as duration_minutes,
    i % 90 as start_station,
    i % 90 + 5 + i % 11 as end_station,
    (6000 + i % 90) || '.10' as start_station_id,
    case when i % 200 <> 0 then (6000 + i % 90 + 5 + i % 11) || '.05' end as end_station_id,
    case when i % 5 = 0 then 'casual' else 'member' end as member_type,
    case when i % 3 = 0 then 'classic_bike' else 'electric_bike' end as rideable_type
from range(4000) as trips (i)
inner join bike_hours on bike_hours.slot = trips.i * 73 % (select count(*) from bike_hours);

create table marts.fct_trips as
with unioned as (
    select
        trip_id, source_file, source_row, 'yellow_taxi' as trip_type, pickup_at_nyc, duration_minutes, pickup_location_id, dropoff_location_id,
        null::varchar as start_station_id, null::varchar as end_station_id, distance_miles, passenger_count,
        fare_amount, extra_amount, mta_tax_amount, tip_amount, tolls_amount, improvement_surcharge_amount,
        congestion_surcharge_amount, airport_fee_amount, 0 as cbd_congestion_fee_amount, total_amount, payment_type,
        rate_code_id, 2 as vendor_id,
        null::varchar as member_type, null::varchar as rideable_type
    from taxi_trips
    union all
    select
        trip_id, '202409-citibike-tripdata.csv', row_number() over (), 'citibike', pickup_at_nyc, duration_minutes, null, null, start_station_id, end_station_id, null, null,
        null, null, null, null, null, null, null, null, null, null, null, null, null, member_type, rideable_type
    from bike_trips
)
select
    *,
    '2024-09' as source_month,
    '0123456789abcdef' as source_version,
    pickup_at_nyc + interval 4 hour as pickup_at_utc,
    pickup_at_nyc + interval 4 hour + to_minutes(cast(duration_minutes as integer))
    + to_milliseconds(cast(round(60000 * (duration_minutes - cast(duration_minutes as integer))) as bigint))
        as dropoff_at_utc,
    pickup_at_nyc + to_minutes(cast(duration_minutes as integer))
    + to_milliseconds(cast(round(60000 * (duration_minutes - cast(duration_minutes as integer))) as bigint))
        as dropoff_at_nyc,
    cast(pickup_at_nyc as date) as pickup_date,
    cast(extract(hour from pickup_at_nyc) as integer) as pickup_hour_of_day,
    date_trunc('hour', pickup_at_nyc + interval 4 hour) as pickup_hour_utc,
    cast(distance_miles as double) / cast(duration_minutes as double) * 60 as speed_mph,
    false as is_voided,
    false as is_suspect,
    null::varchar as suspect_reason
from unioned;

create table staging.stg_tlc__yellow_taxi as
select
    fct_trips.*, taxi_trips.payment_type_code,
    false as is_store_and_forward
from marts.fct_trips
inner join taxi_trips using (trip_id);

create table staging.stg_citibike__trips as
select
    fct_trips.*, upper(left(md5(trip_id), 16)) as ride_id,
    'Station ' || fct_trips.start_station_id as start_station_name,
    'Station ' || fct_trips.end_station_id as end_station_name,
    40.7001 + 0.001 * start_station as start_latitude, -73.9901 - 0.0001 * start_station as start_longitude,
    40.7001 + 0.001 * end_station as end_latitude, -73.9901 - 0.0001 * end_station as end_longitude,
    null::bigint as published_duration_seconds
from marts.fct_trips
inner join bike_trips using (trip_id);

create table staging.int_citibike__ride_hashes as
select
    source_month,
    hash(trip_id) as ride_hash
from marts.fct_trips
where trip_type = 'citibike';

create table staging.stg_weather__hourly as
select
    hour_utc,
    '2024-09' as source_month,
    20 + 5 * cos(pi() / 12 * (extract(hour from hour_utc) - 19.5)) - 0.01 * extract(day from hour_utc)
        as temperature_celsius,
    20::double as feels_like_celsius,
    12::double as dew_point_celsius,
    60::double as humidity_pct,
    case when i % 50 < 5 then 1.5::double else 0 end as precipitation_preceding_hour_mm,
    case when i % 50 < 5 then 1.5::double else 0 end as rain_preceding_hour_mm,
    0::double as snowfall_preceding_hour_cm,
    case when i % 50 < 5 then 95::double else 40 end as cloud_cover_pct,
    1015::double as pressure_hpa,
    3.5::double as wind_speed_mps,
    200::double as wind_direction_degrees
from (select i, timestamp '2024-09-01 04:00:00' + to_hours(cast(i as integer)) as hour_utc from range(721) as hours (i));

create table marts.dim_weather as
select
    at_the_hour.hour_utc,
    at_the_hour.hour_utc - interval 4 hour as hour_nyc,
    at_the_hour.* exclude (
        hour_utc, source_month, precipitation_preceding_hour_mm, rain_preceding_hour_mm, snowfall_preceding_hour_cm
    ),
    later.precipitation_preceding_hour_mm as precipitation_mm,
    later.rain_preceding_hour_mm as rain_mm,
    later.snowfall_preceding_hour_cm as snowfall_cm,
    case when at_the_hour.temperature_celsius < 20 then 'mild' else 'warm' end as temperature_category,
    case when later.rain_preceding_hour_mm > 0 then 'rain' else 'none' end as precipitation_type,
    case when later.rain_preceding_hour_mm > 0 then 'light' else 'none' end as precipitation_intensity,
    'calm' as wind_category,
    later.rain_preceding_hour_mm = 0
    and at_the_hour.temperature_celsius >= 15
    and at_the_hour.cloud_cover_pct = 40 as is_pleasant,
    false as is_adverse,
    later.rain_preceding_hour_mm = 0 as is_good_cycling,
    true as is_covered
from staging.stg_weather__hourly as at_the_hour
inner join staging.stg_weather__hourly as later on later.hour_utc = at_the_hour.hour_utc + interval 1 hour;

create table marts.dim_date as
select
    date_day,
    cast(extract(isodow from date_day) as integer) as day_of_week,
    dayname(date_day) as day_name,
    cast(extract(week from date_day) as integer) as iso_week,
    date '2024-09-01' as month_start,
    3 as quarter,
    2024 as year,
    extract(isodow from date_day) >= 6 as is_weekend,
    date_day = date '2024-09-02' as is_holiday,
    case when date_day = date '2024-09-02' then 'Labor Day' end as holiday_name,
    true as is_covered
from (select cast(unnest(range(date '2024-09-01', date '2024-10-01', interval 1 day)) as date) as date_day);

create table marts.dim_time as
select
    hour_of_day,
    case
        when hour_of_day between 6 and 11 then 'morning' when hour_of_day between 12 and 17 then 'afternoon'
        when hour_of_day between 18 and 21 then 'evening' else 'night'
    end as day_part,
    hour_of_day in (7, 8, 9, 16, 17, 18) as is_rush_hour_weekday,
    hour_of_day between 9 and 16 as is_business_hour_weekday,
    hour_of_day in (23, 0, 1, 2, 3, 4) as is_late_night
from range(24) as hours (hour_of_day);

create table marts.fct_hourly_mobility as
with hourly as (
    select
        dim_weather.hour_utc, dim_weather.hour_nyc, modes.trip_type, count(fct_trips.trip_id) as trips,
        coalesce(sum(fct_trips.duration_minutes), 0) as duration_minutes_sum,
        case when modes.trip_type = 'yellow_taxi' then coalesce(sum(fct_trips.distance_miles), 0) end
            as distance_miles_sum,
        case when modes.trip_type = 'yellow_taxi' then coalesce(sum(fct_trips.passenger_count), 0) end as passengers,
        case when modes.trip_type = 'yellow_taxi' then coalesce(sum(fct_trips.total_amount), 0) end as revenue
    from marts.dim_weather
    cross join (values ('yellow_taxi'), ('citibike')) as modes (trip_type)
    left join marts.fct_trips
        on fct_trips.pickup_hour_utc = dim_weather.hour_utc and fct_trips.trip_type = modes.trip_type
    group by dim_weather.hour_utc, dim_weather.hour_nyc, modes.trip_type
)
select
    *,
    true as is_covered,
    case
        when sum(trips) over (partition by hour_utc) > 0
            then 100.0 * trips / sum(trips) over (partition by hour_utc)
    end as share_of_hour_pct
from hourly;
