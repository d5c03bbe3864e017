with

trips as (

    {{ sum_trips('pickup_location_id') }}

),

classified as (

    {{ classify_trips('trips') }}

)

select * from classified
