{#-
    No ride of a changed month is in an unchanged one as well: it would count twice. (That it is once in its own month,
    unique_text says.)
-#}
with

changed_rides as (

    select trip_id
    from {{ ref('fct_trips') }}
    where trip_type = 'citibike' and {{ is_of_changed_month('citibike') }}

)

select
    trips.source_month,
    trips.trip_id
from {{ ref('fct_trips') }} as trips
inner join changed_rides
    on trips.trip_id = changed_rides.trip_id
where trips.trip_type = 'citibike' and not ({{ is_of_changed_month('citibike', 'trips.source_month') }})
