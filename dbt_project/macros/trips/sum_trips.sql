{#-
    Trips of one file's month, hour, zone and kind, added up. What metrics add up has the names that it has in
    counted_trips, so that a sum over these rows is the sum over the trips.
-#}
{% macro sum_trips(location_id) -%}
    select
        -- ids
        trip_type,
        source_month,
        pickup_date,
        pickup_hour_of_day,
        pickup_hour_utc,
        {{ location_id }},

        -- strings
        payment_type,
        member_type,
        rideable_type,

        -- numbers
        cast(sum(trips) as bigint) as trips,
        cast(sum(passengers) as bigint) as passengers,
        {% for amount in ('duration_minutes', 'distance_miles', 'fare_amount', 'tip_amount', 'total_amount') %}
            cast(sum({{ amount }}) as decimal(18, {{ 6 if amount == 'duration_minutes' else 2 }})) as {{ amount }},
        {% endfor %}

        -- booleans
        is_counted,
        is_voided,
        is_suspect,
        has_distance,
        has_passenger_count,

        -- timestamps
        pickup_hour_nyc

    from {{ ref('counted_trips') }}
    {% if is_incremental() %}
        where {{ is_of_changed_partition() }}
    {% endif %}
    group by
        trip_type,
        source_month,
        pickup_date,
        pickup_hour_of_day,
        pickup_hour_utc,
        {{ location_id }},
        payment_type,
        member_type,
        rideable_type,
        is_counted,
        is_voided,
        is_suspect,
        has_distance,
        has_passenger_count,
        pickup_hour_nyc
{%- endmacro %}
