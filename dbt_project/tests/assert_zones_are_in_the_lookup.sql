{#-
    A taxi trip from or to a zone that the lookup does not have, or to none, counts for zone 264. More than one in a hundred
    of a month is another thing: zones of another lookup, or none. A few say nothing of a small month. Asked of the months
    that may not be those of the last build.
-#}
with

trips as (

    select
        _source_month as source_month,
        pu_location_id as pickup_location_id,
        do_location_id as dropoff_location_id

    from {{ source('tlc', 'yellow_taxi') }}
    where {{ is_of_changed_month('yellow_taxi', '_source_month') }}

),

zones as (

    select location_id from {{ ref('stg_tlc__taxi_zones') }}

),

counted as (

    select
        trips.source_month,
        count(*) as trips,
        count(
            case when pickup_zones.location_id is null or dropoff_zones.location_id is null then 1 end
        ) as trips_without_a_zone

    from trips
    left join zones as pickup_zones
        on trips.pickup_location_id = pickup_zones.location_id
    left join zones as dropoff_zones
        on trips.dropoff_location_id = dropoff_zones.location_id
    group by 1

)

select * from counted
where
    trips_without_a_zone * 100 > trips
    and trips_without_a_zone > 10
