{{
    config(
        materialized='incremental',
        incremental_strategy='replace_changed_months',
        unique_key=['trip_type', 'source_month'],
        on_schema_change='fail',
        post_hook='{{ reclassify_trips() }}',
    )
}}

with

trips as (

    {{ sum_trips('pickup_location_id') }}

),

classified as (

    {{ classify_trips('trips') }}

)

select * from classified
