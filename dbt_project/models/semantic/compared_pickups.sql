{{ config(materialized='view') }}

with

compared as (

    {{ compare_trips(ref('pickup_sums'), ['pickup_location_id']) }}

)

select * from compared
