with

-- Every source that has months is a mode's, but weather.
days as (

    select distinct
        source_name as trip_type,
        cast(hour_nyc as date) as date_day

    from {{ ref('int_loaded_hours') }}
    where source_name <> 'weather'

),

modes as (

    select count(distinct trip_type) as mode_count
    from days

),

modes_of_days as (

    select
        date_day,
        count(*) as mode_count

    from days
    group by 1

),

final as (

    select
        days.trip_type,
        days.date_day,
        modes_of_days.mode_count = modes.mode_count as is_covered_by_all_modes

    from days
    inner join modes_of_days
        on days.date_day = modes_of_days.date_day
    cross join modes

)

select * from final
