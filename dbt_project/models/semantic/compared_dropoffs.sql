{{ config(materialized='view') }}

{{ compare_trips(ref('dropoff_sums'), ['dropoff_location_id']) }}
