{{
    config(
        materialized='incremental',
        incremental_strategy='replace_changed_months',
        unique_key=['source', 'source_month'],
        on_schema_change='fail',
    )
}}

{% set statistics = {
    'trips': rows_of(),
    'days_without_trips': days_without_rows('pickup_date'),
    'hours_of_day_in_use': distinct_of('pickup_hour_of_day'),
    'pickup_zones_in_use': distinct_of('pickup_location_id'),

    'share_of_trips_outside_month': share_of('not is_of_month'),
    'share_of_suspect_trips': share_of('is_suspect'),
    'share_of_voided_trips': share_of('is_voided'),
    'share_of_trips_that_end_before_they_start': share_of('dropoff_at_utc < pickup_at_utc'),
    'share_of_trips_in_first_minute_of_hour': share_of('extract(minute from pickup_at_nyc) = 0'),
    'share_of_trips_on_whole_minutes': share_of('extract(second from pickup_at_nyc) = 0'),
    'night_trips_per_afternoon_trip': rows_per_row_of(
        'pickup_hour_of_day between 2 and 4', 'pickup_hour_of_day between 16 and 18'
    ),
    'early_trips_per_morning_trip': rows_per_row_of(
        'is_weekday and pickup_hour_of_day between 5 and 6', 'is_weekday and pickup_hour_of_day between 8 and 9'
    ),

    'share_without_vendor': share_of('vendor_id is null'),
    'share_without_passenger_count': share_of('passenger_count is null'),
    'share_without_payment_type': share_of('payment_type_code is null'),
    'share_without_rate_code': share_of('rate_code_id is null'),
    'share_with_passenger_count_or_rate_code_alone': share_of('(passenger_count is null) <> (rate_code_id is null)'),
    'share_without_zone': share_of('pickup_location_id is null or dropoff_location_id is null'),
    'share_without_distance': share_of('distance_miles is null'),
    'share_without_money': share_of('fare_amount is null or tip_amount is null or total_amount is null'),

    'share_of_pickups_in_unknown_zone': share_of('pickup_location_id >= 264'),
    'share_of_newark_trips_that_begin_there': share_of(
        'pickup_location_id = 1', '(pickup_location_id = 1) <> (dropoff_location_id = 1)'
    ),
    'share_of_trips_within_a_zone': share_of('is_within_a_zone'),
    'share_of_airport_fees_at_airports': share_of('pickup_location_id in (132, 138)', 'airport_fee_amount > 0'),
    'share_of_airport_pickups_with_fee': share_of('airport_fee_amount > 0', 'pickup_location_id in (132, 138)'),
    'share_of_flat_fares_at_jfk': share_of('is_at_jfk', 'rate_code_id = 2'),

    'share_with_zero_miles': share_of('distance_miles = 0'),
    'share_with_tolls': share_of('tolls_amount > 0'),
    'share_with_extra': share_of('extra_amount > 0'),
    'share_with_mta_tax': share_of('mta_tax_amount > 0'),
    'share_with_mta_tax_over_2_usd': share_of('mta_tax_amount > 2'),
    'share_with_improvement_surcharge': share_of('improvement_surcharge_amount > 0'),
    'share_with_congestion_surcharge': share_of('congestion_surcharge_amount > 0'),
    'share_of_card_trips_with_tip': share_of('tip > 0', 'is_by_card'),
    'share_of_cash_trips_with_tip': share_of('tip > 0', 'payment_type_code = 2'),
    'share_with_whole_dollar_total': share_of('total = floor(total)', 'total > 0'),
    'share_with_fare_over_1000_usd': share_of('abs(fare) > 1000'),
    'share_with_total_not_sum_of_parts': share_of('abs(total - fare - tip - surcharges) > 5', 'not is_voided'),
    'share_with_fare_below_meter': share_of('fare < first_drop + 5 * unit * miles - 0.01', 'is_metered'),
    'share_with_fare_above_meter': share_of('fare > first_drop + unit * (5 * miles + minutes) + 1', 'is_metered'),
    'evening_step_in_share_with_extra': difference_of(
        share_of('extra_amount >= 0.5', 'can_have_evening_step and pickup_hour_of_day = 16'),
        share_of('extra_amount >= 0.5', 'can_have_evening_step and pickup_hour_of_day = 15'),
    ),

    'correlation_of_minutes_and_miles': correlation_of('usual_seconds', 'usual_hundredths_of_miles'),
    'correlation_of_fare_and_miles': correlation_of('usual_cents_of_fare', 'usual_hundredths_of_miles'),
    'correlation_of_total_and_fare': correlation_of('usual_cents_of_total', 'usual_cents_of_fare'),
    'correlation_of_tip_and_fare': correlation_of('usual_cents_of_tip', 'usual_cents_of_fare_by_card'),
} %}

{% set medians = {
    'median_minutes': 'case when not is_voided then floor(minutes * 10) / 10 end',
    'median_miles': 'case when not is_voided then miles end',
    'median_mph': 'case when not is_voided and miles > 0.3 then floor(speed_mph * 10) / 10 end',
    'median_fare_usd': 'case when not is_voided then fare end',
    'median_total_usd': 'case when not is_voided then total end',
    'median_fare_per_mile_usd': 'case when not is_voided and miles > 0.3 then floor(100 * fare / miles) / 100 end',
    'median_fare_per_meter':
        'case when is_metered then floor(100 * fare / (first_drop + unit * (3.1 * miles + 0.52 * minutes))) / 100 end',
    'median_total_per_fare': 'case when not is_voided and fare > 0 then floor(100 * total / fare) / 100 end',
    'median_tip_per_fare': 'case when is_by_card then floor(100 * tip / fare) / 100 end',
    'median_passengers': 'passenger_count',
    'median_miles_within_a_zone': 'case when not is_voided and miles > 0 and is_within_a_zone then miles end',
    'median_miles_between_zones': 'case when not is_voided and miles > 0 and not is_within_a_zone then miles end',
    'median_fare_of_jfk_trips_usd': 'case when not is_voided and is_at_jfk then fare end',
} %}

{% set shares = {
    'share_of_trips_by_hour': 'pickup_hour_of_day',
    'share_of_trips_by_pickup_zone': 'pickup_location_id',
    'share_of_trips_by_dropoff_zone': 'dropoff_location_id',
    'share_of_trips_by_vendor': 'vendor_id',
    'share_of_trips_by_payment_type': 'payment_type',
    'share_of_trips_by_rate_code': 'rate_code_id',
    'share_of_trips_by_suspect_reason': "coalesce(suspect_reason, 'none')",
} %}

{% set ratios = {
    'median_miles_within_a_zone_per_mile_between': ('median_miles_within_a_zone', 'median_miles_between_zones'),
    'median_fare_of_jfk_trips_per_median_fare': ('median_fare_of_jfk_trips_usd', 'median_fare_usd'),
} %}

with

-- From raw data, as the flag is in no fact.
store_and_forward_flags as (

    select
        _source_month as source_month,
        'share_without_store_and_forward_flag' as statistic,
        '' as cut,
        1 - {{ ratio_of(
            'count(case when passenger_count is not null then store_and_fwd_flag end)', 'count(passenger_count)'
        ) }} as value,
        count(passenger_count) as row_count

    from {{ source('tlc', 'yellow_taxi') }}
    {% if is_incremental() %}
        where {{ is_of_changed_month('yellow_taxi', '_source_month') }}
    {% endif %}
    group by _source_month

),

-- Below are grouping sets, which sqlfluff's DuckDB does not know.
-- noqa: disable=PRS
{{ profile(
    'yellow_taxi',
    '(' ~ measured_taxi_trips() ~ ')',
    statistics,
    medians,
    shares,
    ratios=ratios,
    told_apart_by=[
        'vendor_id', 'pickup_at_nyc', 'dropoff_at_nyc', 'pickup_location_id', 'dropoff_location_id', 'distance_miles',
        'passenger_count', 'payment_type_code', 'fare_amount', 'tip_amount', 'total_amount',
    ],
    others=['store_and_forward_flags'],
) }}

select * from profile
