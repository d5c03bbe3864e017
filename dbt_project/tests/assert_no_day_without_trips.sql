{#- A day of a loaded month on which a mode has no trip at all is worth a look: a blizzard, or a hole in the file. -#}
{{ config(severity='warn') }}

select
    trip_type,
    date_day

from {{ ref('fct_hourly_mobility') }}
where is_covered
group by 1, 2
having sum(trips) = 0
