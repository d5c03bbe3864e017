{#-
    Trips that are added up by zone add up to what single trips do: no metric depends on which of them it is asked of.
    Asked of the partitions that may not be those of the last build.
-#}
{%- set sums %}
    sum(trips) as trips,
    sum(passengers) as passengers,
    sum(duration_minutes) as duration_minutes,
    sum(distance_miles) as distance_miles,
    sum(fare_amount) as fare_amount,
    sum(tip_amount) as tip_amount,
    sum(total_amount) as total_amount,
    sum(case when is_counted then trips end) as counted_trips
{%- endset -%}
{%- set changed = is_of_changed_partition() %}

with

of_trips as (

    select {{ sums }}
    from {{ ref('counted_trips') }}
    where {{ changed }}

),

of_pickups as (

    select {{ sums }}
    from {{ ref('pickup_sums') }}
    where {{ changed }}

),

of_dropoffs as (

    select {{ sums }}
    from {{ ref('dropoff_sums') }}
    where {{ changed }}

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
