{#-
    No ride of a changed month is in an unchanged one as well: it would count twice. (That it is once in its own month,
    unique_text says.) Hashes are compared first, and ids only where two of them meet.
-#}
with

changed_rides as (

    select
        trip_id,
        {{ hash_text('trip_id') }} as ride_hash

    from {{ ref('fct_trips') }}
    where trip_type = 'citibike' and {{ is_of_changed_month('citibike') }}

),

candidates as (

    select
        published.source_month,
        changed_rides.trip_id

    from {{ ref('int_citibike__ride_hashes') }} as published
    inner join changed_rides
        on published.ride_hash = changed_rides.ride_hash
    where not ({{ is_of_changed_month('citibike', 'published.source_month') }})

)

select
    trips.source_month,
    trips.trip_id
from {{ ref('fct_trips') }} as trips
inner join candidates
    on
        trips.source_month = candidates.source_month
        and trips.trip_id = candidates.trip_id
where trips.trip_type = 'citibike'
