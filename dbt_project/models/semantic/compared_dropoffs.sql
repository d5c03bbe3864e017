{{ config(materialized='view') }}

with

compared as (

    {{ compare_trips(ref('dropoff_sums'), ['dropoff_location_id']) }}

)

select * from compared
