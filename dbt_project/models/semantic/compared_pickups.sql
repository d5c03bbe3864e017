{{ config(materialized='view') }}

{{ compare_trips(ref('pickup_sums'), ['pickup_location_id']) }}
