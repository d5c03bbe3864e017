with

hours as (

    select cast(extract(hour from hour_start) as integer) as hour_of_day
    from (
        select
            {{ explode_series("timestamp '2000-01-01 00:00:00'", "timestamp '2000-01-01 23:00:00'", 'hour') }}
                as hour_start
    ) as series

),

classified as (

    select
        -- ids
        hour_of_day,

        -- strings
        case
            when hour_of_day between 6 and 11 then 'morning'
            when hour_of_day between 12 and 17 then 'afternoon'
            when hour_of_day between 18 and 21 then 'evening'
            else 'night'
        end as day_part,

        -- booleans
        hour_of_day between 7 and 9 or hour_of_day between 16 and 18 as is_rush_hour_weekday,
        hour_of_day between 9 and 16 as is_business_hour_weekday,
        hour_of_day >= 23 or hour_of_day <= 4 as is_late_night

    from hours

)

select * from classified
