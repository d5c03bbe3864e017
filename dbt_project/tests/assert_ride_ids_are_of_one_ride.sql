{#-
    Rides of other times or stations that share an id are each kept, under a key of their own. More than one row in a
    hundred is another thing: ids were cut or rounded. A few say nothing of a small month.
-#}
with

reused as (

    select
        source_month,
        count(*) as rides_with_a_reused_id

    from {{ ref('int_citibike__duplicate_rides') }}
    where has_reused_id
    group by 1

),

published as (

    select
        source_month,
        sum(raw_row_count) as rides_published

    from {{ ref('int_source_partitions') }}
    where trip_type = 'citibike'
    group by 1

)

select
    reused.source_month,
    reused.rides_with_a_reused_id,
    published.rides_published

from reused
inner join published
    on reused.source_month = published.source_month
where
    reused.rides_with_a_reused_id * 100 > published.rides_published
    and reused.rides_with_a_reused_id > 10
