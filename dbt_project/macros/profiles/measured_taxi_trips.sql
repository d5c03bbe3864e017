{#-
    Taxi trips of fct_trips with what their months' profiles are made of, of changed months where it is known which have. A
    macro and not a CTE: it is read a few times, and an engine would keep all its rows for that.
-#}
{% macro measured_taxi_trips() -%}
    with

    months as (

        select * from {{ ref('int_loaded_months') }}
        where source_name = 'yellow_taxi'

    ),

    trips as (

        select * from {{ ref('fct_trips') }}
        where
            trip_type = 'yellow_taxi'
            {% if is_incremental() -%}
                and {{ is_of_changed_month('yellow_taxi') }}
            {%- endif %}

    ),

    -- Numbers as an engine compares them fast; cents and seconds are whole, for sums that are exact.
    numbered as (

        select
            trips.*,
            months.starts_at_nyc,
            months.ends_at_nyc,
            trips.pickup_at_nyc >= months.starts_at_nyc and trips.pickup_at_nyc < months.ends_at_nyc as is_of_month,
            {{ iso_day_of_week('trips.pickup_date') }} <= 5 as is_weekday,
            not trips.is_voided and not trips.is_suspect as is_counted,
            trips.payment_type_code = 1 and trips.fare_amount > 0 and not trips.is_voided as is_by_card,
            trips.pickup_location_id = trips.dropoff_location_id as is_within_a_zone,
            trips.pickup_location_id = 132 or trips.dropoff_location_id = 132 as is_at_jfk,
            cast(trips.distance_miles as double) as miles,
            cast(trips.duration_minutes as double) as minutes,
            cast(trips.fare_amount as double) as fare,
            cast(trips.tip_amount as double) as tip,
            cast(trips.total_amount as double) as total,
            cast(trips.extra_amount as double) + cast(trips.mta_tax_amount as double)
            + cast(trips.tolls_amount as double) + cast(trips.improvement_surcharge_amount as double)
            + coalesce(cast(trips.congestion_surcharge_amount as double), 0)
            + coalesce(cast(trips.airport_fee_amount as double), 0)
            + coalesce(cast(trips.cbd_congestion_fee_amount as double), 0) as surcharges,
            case when trips.pickup_date >= cast('2022-12-19' as date) then cast(3 as double) else cast(2.5 as double) end
                as first_drop,
            case
                when trips.pickup_date >= cast('2022-12-19' as date) then cast(0.7 as double)
                when trips.pickup_date >= cast('2012-09-04' as date) then cast(0.5 as double)
                else cast(0.4 as double)
            end as unit

        from trips
        inner join months
            on trips.source_month = months.source_month

    ),

    measured as (

        select
            *,
            is_counted and fare > 0 and miles between 1 and 15 and minutes between 2 and 120 and not is_at_jfk as is_metered,
            is_counted
            and miles between 0.5 and 20
            and minutes between 1 and 120
            and fare between 0.01 and 200
            and tip between 0 and 200
            and total between 0.01 and 300 as is_usual,
            is_weekday and vendor_id <> 1 and fare > 0 as can_have_evening_step

        from numbered

    ),

    -- What is correlated: without what a single slip could move.
    usual as (

        select
            *,
            case when is_usual then cast(floor(minutes * 60) as bigint) end as usual_seconds,
            case when is_usual then cast(distance_miles * 100 as bigint) end as usual_hundredths_of_miles,
            case when is_usual then cast(fare_amount * 100 as bigint) end as usual_cents_of_fare,
            case when is_usual then cast(total_amount * 100 as bigint) end as usual_cents_of_total,
            case when is_usual and is_by_card then cast(fare_amount * 100 as bigint) end as usual_cents_of_fare_by_card,
            case when is_usual and is_by_card then cast(tip_amount * 100 as bigint) end as usual_cents_of_tip

        from measured

    )

    select * from usual
{%- endmacro %}
