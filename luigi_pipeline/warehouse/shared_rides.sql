-- The months that changed months of CitiBike ($months) decide about: a ride there may now be kept, left out, or keyed in
-- another way. Of copies the first is kept, so a row decides about copies in later months; and if two rows with one id
-- differ, the id may be reused, so each decides about the other.
with

-- Kept copies and rows with a reused id that were in a changed month at the last build.
decided as (

    select ride_id
    from staging.int_citibike__duplicate_rides
    where kept_source_month in $months

),

-- Rows of other months that share an id with a changed month: few, of all rides.
sharing as materialized (

    select ride_id, _source_month, started_at, ended_at, start_station_id, end_station_id
    from raw_data.trips
    where
        ride_id <> ''
        and _source_month not in $months
        and ride_id in (
            select ride_id from decided
            union all
            select ride_id from raw_data.trips where _source_month in $months
        )

)

select _source_month
from sharing
where ride_id in (select ride_id from decided)

union

select sharing._source_month
from sharing
inner join raw_data.trips as changed on sharing.ride_id = changed.ride_id
where
    changed._source_month in $months
    and (
        changed._source_month < sharing._source_month
        or (changed.started_at, changed.ended_at, changed.start_station_id, changed.end_station_id)
        is distinct from (sharing.started_at, sharing.ended_at, sharing.start_station_id, sharing.end_station_id)
    )
