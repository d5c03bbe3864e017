{{
    config(
        materialized='incremental',
        incremental_strategy='replace_changed_months',
        unique_key=['trip_type', 'source_month'],
        on_schema_change='fail',
    )
}}

with

trips as (

    select
        *,
        not is_suspect and not is_voided as is_counted

    from {{ ref('fct_trips') }}
    {% if is_incremental() %}
        where {{ is_of_changed_partition() }}
    {% endif %}

),

-- Revenue keeps the voided trips: a reversal and its twin cancel, and a reversal without one reduces it.
summed as (

    select
        trip_type,
        source_month,
        pickup_date,
        pickup_hour_utc,
        count(case when not is_suspect then 1 end) as sound_trips,
        count(case when is_counted then 1 end) as trips,
        sum(case when is_counted then duration_minutes end) as duration_minutes,
        sum(case when is_counted then distance_miles end) as distance_miles,
        cast(sum(case when is_counted then passenger_count end) as bigint) as passengers,
        sum(case when not is_suspect then total_amount end) as revenue

    from trips
    group by 1, 2, 3, 4

)

select * from summed
