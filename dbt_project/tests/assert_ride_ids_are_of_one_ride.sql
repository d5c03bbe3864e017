{#-
    Rides that share an id are copies of one ride, of which one is kept. Where they began at other times, ids were cut
    or rounded, and rides would be lost with the copies. Since June 2024 times have fractions of a second: a ride over the
    end of May is in one file with them and in the other without.
-#}
with

copies as (

    select * from {{ ref('int_citibike__duplicate_rides') }}

),

-- A ride counts for the last month that it is in.
months_in_question as (

    select distinct source_month
    from copies
    where {{ is_of_changed_month('citibike') }} or {{ is_of_changed_month('citibike', 'kept_source_month') }}

),

repeated_ids as (

    select copies.*
    from copies
    inner join months_in_question
        on copies.source_month = months_in_question.source_month

),

-- By these, whole row groups of rides are left unread.
months_with_copies as (

    select {{ join_as_text('source_month') }} as source_month from repeated_ids
    union distinct
    select {{ join_as_text('kept_source_month') }} as source_month from repeated_ids

),

rides as (

    select
        trips.ride_id,
        max(trips._source_month) as source_month,
        min(trips.started_at) as first_start,
        max(trips.started_at) as last_start

    from {{ source('citibike', 'trips') }} as trips
    where
        trips._source_month in (select months_with_copies.source_month from months_with_copies)
        and trips.ride_id in (select repeated_ids.ride_id from repeated_ids)
    group by 1

)

select
    source_month,
    count(*) as ids_of_several_rides
from rides
where {{ elapsed('first_start', 'last_start', 'second') }} > 60
group by 1
having count(*) >= 5
