{#- Two days in a row without a trip of a mode, both in loaded months, are a hole in the data. -#}
with

days as (

    select
        trip_type,
        date_day,
        sum(trips) as trips

    from {{ ref('fct_hourly_mobility') }}
    where is_covered
    group by 1, 2

)

select
    days.trip_type,
    days.date_day as first_empty_day,
    next_days.date_day as second_empty_day

from days
inner join days as next_days
    on
        days.trip_type = next_days.trip_type
        and next_days.date_day = {{ dbt.dateadd('day', 1, 'days.date_day') }}
where
    days.trips = 0
    and next_days.trips = 0
