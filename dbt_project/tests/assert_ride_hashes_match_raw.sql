{#-
    Each ride of raw data has its hash: of one without, a copy would not be found. Asked of the months that may not be those
    of the last build.
-#}
with

rides as (

    select
        _source_month as source_month,
        count(*) as ride_count

    from {{ source('citibike', 'trips') }}
    where ride_id <> '' and {{ is_of_changed_month('citibike', '_source_month') }}
    group by 1

),

hashed as (

    select
        source_month,
        count(*) as hash_count

    from {{ ref('int_citibike__ride_hashes') }}
    where {{ is_of_changed_month('citibike') }}
    group by 1

)

select
    coalesce(rides.source_month, hashed.source_month) as source_month,
    rides.ride_count,
    hashed.hash_count
from rides
full outer join hashed
    on rides.source_month = hashed.source_month
where coalesce(rides.ride_count, 0) <> coalesce(hashed.hash_count, 0)
