{{
    config(
        materialized='incremental',
        incremental_strategy='replace_changed_rows',
        changed_rows='is_of_changed_trips',
        on_schema_change='fail',
    )
}}

with

trips as (

    {{ sum_trips('dropoff_location_id') }}

),

classified as (

    {{ classify_trips('trips') }}

)

select * from classified
