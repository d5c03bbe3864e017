with

yellow_taxi as (

    select * from {{ ref('int_month_profiles__yellow_taxi') }}

),

citibike as (

    select * from {{ ref('int_month_profiles__citibike') }}

),

weather as (

    select * from {{ ref('int_month_profiles__weather') }}

),

unioned as (

    select * from yellow_taxi

    union all

    select * from citibike

    union all

    select * from weather

),

profiles as (

    select
        -- ids
        source,
        source_month,
        statistic,
        cut,

        -- numbers
        value,
        row_count

    from unioned

)

select * from profiles
