-- A city of one month (2024-09, all of it daylight saving: UTC is four hours ahead) that every expectation holds in:
-- 4,000 taxi trips, 4,000 rides and the hours' weather. What a month usually looks like is not asked of it.

create schema staging;
create schema marts;

create table staging.stg_tlc__taxi_zones as
select column0 as location_id, column1 as borough, column2 as zone_name, column3 as service_zone
from read_csv('{zones}', header = false, nullstr = '');

create table marts.dim_location as
select *, service_zone in ('EWR', 'Airports') as is_airport
from staging.stg_tlc__taxi_zones;

create table marts.fct_trips as
with numbered as (
    select
        modes.*,
        i,
        i + 1 as source_row,
        timestamp '2024-09-01' + to_minutes(cast(i * 10 as integer)) as pickup_at_nyc,
        5 + i % 11 as minutes
    from range(4000) as trips (i)
    cross join (
        values
        ('yellow_taxi', 'yellow_tripdata_2024-09.parquet'), ('citibike', '202409-citibike-tripdata.csv')
    ) as modes (trip_type, source_file)
)
select
    case trip_type
        when 'citibike' then upper(left(md5('ride ' || i), 16))
        else source_file || '#' || source_row
    end as trip_id,
    trip_type,
    source_file,
    '2024-09' as source_month,
    source_row,
    '0123456789abcdef' as source_version,
    case trip_type when 'yellow_taxi' then 2 end as vendor_id,
    case trip_type when 'yellow_taxi' then 1 end as rate_code_id,
    case trip_type when 'yellow_taxi' then 2 + i % 200 end as pickup_location_id,
    case trip_type when 'yellow_taxi' then 2 + i % 190 end as dropoff_location_id,
    case trip_type when 'citibike' then '6000.10' end as start_station_id,
    case trip_type when 'citibike' then '6001.10' end as end_station_id,
    cast(minutes as decimal(18, 6)) as duration_minutes,
    case trip_type when 'yellow_taxi' then cast(2 as decimal(18, 2)) end as distance_miles,
    case trip_type when 'yellow_taxi' then 120.0 / minutes end as speed_mph,
    case trip_type when 'yellow_taxi' then 1 end as passenger_count,
    case trip_type when 'yellow_taxi' then cast(12 as decimal(18, 2)) end as fare_amount,
    case trip_type when 'yellow_taxi' then cast(3 as decimal(18, 2)) end as tip_amount,
    case trip_type when 'yellow_taxi' then cast(15 as decimal(18, 2)) end as total_amount,
    case trip_type when 'yellow_taxi' then 'credit card' end as payment_type,
    case trip_type when 'citibike' then 'member' end as member_type,
    case trip_type when 'citibike' then 'classic_bike' end as rideable_type,
    false as is_voided,
    false as is_suspect,
    null::varchar as suspect_reason,
    pickup_at_nyc,
    pickup_at_nyc + to_minutes(minutes) as dropoff_at_nyc,
    pickup_at_nyc + interval 4 hour as pickup_at_utc,
    pickup_at_nyc + interval 4 hour + to_minutes(minutes) as dropoff_at_utc,
    cast(pickup_at_nyc as date) as pickup_date,
    cast(extract(hour from pickup_at_nyc) as integer) as pickup_hour_of_day,
    date_trunc('hour', pickup_at_nyc + interval 4 hour) as pickup_hour_utc
from numbered;

create table staging.stg_tlc__yellow_taxi as
select
    *, 1 as payment_type_code, 0 as tolls_amount, 0 as congestion_surcharge_amount, 0 as airport_fee_amount,
    0 as cbd_congestion_fee_amount
from marts.fct_trips
where trip_type = 'yellow_taxi';

create table staging.stg_citibike__trips as
select
    *, trip_id as ride_id, 'Start' as start_station_name, 'End' as end_station_name, 40.7 as start_latitude,
    -73.9 as start_longitude, 40.7 as end_latitude, -73.9 as end_longitude, null::bigint as published_duration_seconds
from marts.fct_trips
where trip_type = 'citibike';

create table staging.stg_weather__hourly as
select
    hour_utc,
    '2024-09' as source_month,
    20.0::double as temperature_celsius,
    20.0::double as feels_like_celsius,
    12.0::double as dew_point_celsius,
    60.0::double as humidity_pct,
    case when i % 50 < 5 then 1.5::double else 0 end as precipitation_preceding_hour_mm,
    case when i % 50 < 5 then 1.5::double else 0 end as rain_preceding_hour_mm,
    0.0::double as snowfall_preceding_hour_cm,
    case when i % 50 < 5 then 95::double else 40 end as cloud_cover_pct,
    1015.0::double as pressure_hpa,
    3.5::double as wind_speed_mps,
    200.0::double as wind_direction_degrees
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
    'warm' as temperature_category,
    case when later.rain_preceding_hour_mm > 0 then 'rain' else 'none' end as precipitation_type,
    case when later.rain_preceding_hour_mm > 0 then 'light' else 'none' end as precipitation_intensity,
    'calm' as wind_category,
    later.rain_preceding_hour_mm = 0 and at_the_hour.cloud_cover_pct = 40 as is_pleasant,
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

create table staging.int_trips__by_hour as
select
    trip_type, source_month, pickup_date, pickup_hour_utc,
    count(*) as sound_trips, count(*) as trips, sum(duration_minutes) as duration_minutes,
    sum(distance_miles) as distance_miles, sum(passenger_count) as passengers, sum(total_amount) as revenue
from marts.fct_trips
group by all;

create table marts.fct_hourly_mobility as
select
    dim_weather.hour_utc, dim_weather.hour_nyc, modes.trip_type, true as is_covered,
    coalesce(by_hour.trips, 0) as trips,
    coalesce(by_hour.duration_minutes, 0) as duration_minutes_sum,
    by_hour.distance_miles as distance_miles_sum,
    by_hour.passengers,
    by_hour.revenue,
    case when by_hour.trips > 0 then cast(50 as double) end as share_of_hour_pct
from marts.dim_weather
cross join (values ('yellow_taxi'), ('citibike')) as modes (trip_type)
left join staging.int_trips__by_hour as by_hour
    on by_hour.pickup_hour_utc = dim_weather.hour_utc and by_hour.trip_type = modes.trip_type;
