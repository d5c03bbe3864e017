{#-
    A reversal voids itself and one trip at most; else sound trips do not count. Asked of the months that may not be those
    of the last build.
-#}
select
    source_month,
    count(case when total_amount >= 0 then 1 end) as voided_trips,
    count(case when total_amount < 0 then 1 end) as reversals
from {{ ref('fct_trips') }}
where is_voided and {{ is_of_changed_partition() }}
group by 1
having count(case when total_amount >= 0 then 1 end) > count(case when total_amount < 0 then 1 end)
