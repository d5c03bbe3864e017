{{ config(materialized='view') }}

with

compared as (

    {{ compare_trips(ref('counted_trips'), ['trip_id', 'pickup_location_id', 'dropoff_location_id']) }}

)

select * from compared
