{{
    config(
        materialized='incremental',
        incremental_strategy='replace_changed_rows',
        changed_rows='is_of_changed_partition',
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
