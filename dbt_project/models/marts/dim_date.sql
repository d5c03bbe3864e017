with

-- The days of the loaded months, and those that stray trips need: hence the fact comes before this dimension.
days as (

    select
        date_day,
        max(is_covered) = 1 as is_covered

    from (
        select
            cast(hour_nyc as date) as date_day,
            1 as is_covered
        from {{ ref('int_loaded_hours') }}

        union all

        select
            pickup_date as date_day,
            0 as is_covered
        from {{ ref('int_trips__by_hour') }}
        where pickup_date is not null
    ) as all_days
    group by 1

),

modes as (

    select
        date_day,
        {{ dbt.listagg('trip_type', "', '", 'order by trip_type') }} as covering_modes,
        max(case when is_covered_by_all_modes then 1 else 0 end) = 1 as is_covered_by_all_modes

    from {{ ref('covered_days') }}
    group by 1

),

parts as (

    select
        date_day,
        is_covered,
        cast(extract(year from date_day) as integer) as year_number,
        cast(extract(quarter from date_day) as integer) as quarter_number,
        cast(extract(month from date_day) as integer) as month_number,
        cast(extract(day from date_day) as integer) as day_of_month,
        {{ iso_day_of_week('date_day') }} as day_of_week

    from days

),

holidays as (

    select
        date_day,
        {{ us_federal_holiday('year_number', 'month_number', 'day_of_month', 'day_of_week') }} as holiday_name

    from parts

),

described as (

    select
        -- ids
        parts.date_day,

        -- strings
        case parts.day_of_week
            when 1 then 'Monday'
            when 2 then 'Tuesday'
            when 3 then 'Wednesday'
            when 4 then 'Thursday'
            when 5 then 'Friday'
            when 6 then 'Saturday'
            when 7 then 'Sunday'
        end as day_name,
        holidays.holiday_name,
        modes.covering_modes,

        -- numbers
        parts.day_of_week,
        {{ iso_week('parts.date_day') }} as iso_week,
        {{ iso_year('parts.date_day') }} as iso_year,
        parts.day_of_month,
        parts.month_number as month,
        parts.quarter_number as quarter,
        parts.year_number as year,

        -- booleans
        parts.day_of_week >= 6 as is_weekend,
        holidays.holiday_name is not null as is_holiday,
        parts.is_covered,
        coalesce(modes.is_covered_by_all_modes, false) as is_covered_by_all_modes,

        -- dates
        cast({{ dbt.date_trunc('month', 'parts.date_day') }} as date) as month_start

    from parts
    inner join holidays
        on parts.date_day = holidays.date_day
    left join modes
        on parts.date_day = modes.date_day

)

select * from described
