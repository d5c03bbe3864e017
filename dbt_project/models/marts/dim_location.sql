with

zones as (

    select * from {{ ref('stg_tlc__taxi_zones') }}

),

flagged as (

    select
        -- ids
        location_id,

        -- strings
        zone_name,
        borough,
        service_zone,

        -- booleans
        service_zone in ('EWR', 'Airports') as is_airport,
        location_id in (264, 265) as is_unknown,
        borough = 'Manhattan' as is_manhattan

    from zones

)

select * from flagged
