with

source as (

    select * from {{ source('citibike', 'trips') }}

),

duplicate_rides as (

    select * from {{ ref('int_citibike__duplicate_rides') }}

),

-- Twice, as DuckDB computes a CTE that is used twice by itself, and then every column of the join above it.
pickup_year as (

    select * from {{ ref('int_nyc_daylight_saving') }}

),

dropoff_year as (

    select * from {{ ref('int_nyc_daylight_saving') }}

),

months as (

    select * from {{ ref('int_loaded_months') }}
    where source_name = 'citibike'

),

-- A row is in the current layout or in the legacy one; the other layout's columns are null.
renamed as (

    select
        -- ids
        nullif(ride_id, '') as ride_id,
        _source_file as source_file,
        _source_month as source_month,
        _source_row as source_row,
        _source_version as source_version,
        start_station_id,
        end_station_id,
        bikeid as bike_id,

        -- strings
        start_station_name,
        end_station_name,
        coalesce(
            member_casual,
            case usertype when 'Subscriber' then 'member' when 'Customer' then 'casual' else usertype end
        ) as member_type,
        rideable_type,

        -- numbers
        coalesce(start_lat, start_station_latitude) as start_latitude,
        coalesce(start_lng, start_station_longitude) as start_longitude,
        coalesce(end_lat, end_station_latitude) as end_latitude,
        coalesce(end_lng, end_station_longitude) as end_longitude,
        tripduration as published_duration_seconds,
        birth_year as rider_birth_year,
        gender as rider_gender_code,

        -- timestamps
        coalesce(started_at, starttime) as pickup_at_nyc,
        coalesce(ended_at, stoptime) as dropoff_at_nyc

    from source

),

kept_once as (

    select
        renamed.*,
        case
            when renamed.ride_id is null or duplicate_rides.has_reused_id
                then {{ trip_key('renamed.source_file', 'renamed.source_row') }}
            else renamed.ride_id
        end as trip_id,
        coalesce(duplicate_rides.has_reused_id, false) as has_reused_id

    from renamed
    left join duplicate_rides
        on
            renamed.source_file = duplicate_rides.source_file
            and renamed.source_row = duplicate_rides.source_row
    where duplicate_rides.source_row is null or duplicate_rides.has_reused_id

),

in_utc as (

    select
        kept_once.*,
        months.pickups_begin_at_nyc,
        months.pickups_end_at_nyc,
        {{ nyc_to_utc('kept_once.pickup_at_nyc', 'pickup_year') }} as pickup_at_utc,
        {{ nyc_to_utc('kept_once.dropoff_at_nyc', 'dropoff_year') }} as dropoff_at_utc_first_reading,
        {{ nyc_to_utc('kept_once.dropoff_at_nyc', 'dropoff_year', 'second') }} as dropoff_at_utc_second_reading

    from kept_once
    left join pickup_year
        on extract(year from kept_once.pickup_at_nyc) = pickup_year.year_number
    left join dropoff_year
        on extract(year from kept_once.dropoff_at_nyc) = dropoff_year.year_number
    left join months
        on kept_once.source_month = months.source_month

),

ended as (

    select
        *,
        case
            when dropoff_at_utc_first_reading < pickup_at_utc then dropoff_at_utc_second_reading
            else dropoff_at_utc_first_reading
        end as dropoff_at_utc

    from in_utc

),

timed as (

    select
        *,
        {{ elapsed('pickup_at_utc', 'dropoff_at_utc', 'microsecond') }} as duration_microseconds

    from ended

),

judged as (

    select
        *,
        {{ suspect_reason(
            'pickup_at_nyc', 'pickups_begin_at_nyc', 'pickups_end_at_nyc', 'pickup_at_utc', 'dropoff_at_utc',
            'duration_microseconds', 'cast(null as decimal(18, 2))'
        ) }} as suspect_reason

    from timed

),

final as (

    select
        -- ids
        trip_id,
        ride_id,
        source_file,
        source_month,
        source_row,
        source_version,
        start_station_id,
        end_station_id,
        bike_id,

        -- strings
        start_station_name,
        end_station_name,
        member_type,
        rideable_type,
        suspect_reason,

        -- numbers
        start_latitude,
        start_longitude,
        end_latitude,
        end_longitude,
        {{ duration_minutes('duration_microseconds') }} as duration_minutes,
        published_duration_seconds,
        rider_birth_year,
        rider_gender_code,

        -- booleans
        has_reused_id,
        suspect_reason is not null as is_suspect,

        -- timestamps
        pickup_at_nyc,
        dropoff_at_nyc,
        pickup_at_utc,
        dropoff_at_utc

    from judged

)

select * from final
