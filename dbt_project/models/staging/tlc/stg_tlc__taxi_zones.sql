with

source as (

    select * from {{ source('tlc', 'taxi_zones') }}

),

renamed as (

    select
        -- ids
        location_id,

        -- strings
        zone as zone_name,
        borough,
        service_zone

    from source

)

select * from renamed
