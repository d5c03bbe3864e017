-- Trips that are added up by zone add up to what single trips do: no metric depends on which of them it is asked of.
{%- set sums %}
    sum(trips) as trips,
    sum(passengers) as passengers,
    sum(duration_minutes) as duration_minutes,
    sum(distance_miles) as distance_miles,
    sum(fare_amount) as fare_amount,
    sum(tip_amount) as tip_amount,
    sum(total_amount) as total_amount,
    sum(case when is_counted then trips end) as counted_trips
{%- endset %}

with

of_trips as (

    select {{ sums }}
    from {{ ref('counted_trips') }}

),

of_pickups as (

    select {{ sums }}
    from {{ ref('pickup_sums') }}

),

of_dropoffs as (

    select {{ sums }}
    from {{ ref('dropoff_sums') }}

),

added_up as (

    select * from of_pickups

    union all

    select * from of_dropoffs

),

different as (

    select * from added_up

    except

    select * from of_trips

)

select * from different
