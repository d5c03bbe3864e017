{#-
    Rides that share an id are copies of one ride, of which one is kept. Where they began at other times, ids were cut
    or rounded, and rides would be lost with the copies.
-#}
with

repeated_ids as (

    select distinct ride_id
    from {{ ref('int_citibike__duplicate_rides') }}

),

rides as (

    select
        trips.ride_id,
        max(trips._source_month) as source_month,
        count(*) as copies,
        count(distinct trips.started_at) as starts

    from {{ source('citibike', 'trips') }} as trips
    inner join repeated_ids
        on trips.ride_id = repeated_ids.ride_id
    group by 1

)

select
    source_month,
    count(*) as ids_of_several_rides
from rides
where starts > 1
group by 1
having count(*) >= 5
