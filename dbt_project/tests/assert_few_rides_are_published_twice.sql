{#-
    Rides over the end of a month may be in both months' files. One ride in 500 and more is another thing: a file, or a
    part of one, was published twice. Each ride counts once all the same.
-#}
{{ config(severity='warn') }}

select
    source_month,
    sum(duplicate_count) as rides_left_out,
    sum(raw_row_count) as rides_published
from {{ ref('int_source_partitions') }}
group by 1
having
    sum(duplicate_count) >= 10
    and sum(duplicate_count) * 500 > sum(raw_row_count)
