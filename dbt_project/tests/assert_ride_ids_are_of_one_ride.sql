{#-
    Rides that share an id are copies of one ride, of which one is kept. Where they began at other times, ids were cut
    or rounded, and rides would be lost with the copies. Since June 2024 times have fractions of a second: a ride over the
    end of May is in one file with them and in the other without.
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
        min(trips.started_at) as first_start,
        max(trips.started_at) as last_start

    from {{ source('citibike', 'trips') }} as trips
    inner join repeated_ids
        on trips.ride_id = repeated_ids.ride_id
    group by 1

)

select
    source_month,
    count(*) as ids_of_several_rides
from rides
where {{ elapsed('first_start', 'last_start', 'second') }} > 60
group by 1
having count(*) >= 5
