with

source as (

    select * from {{ source('meta', 'source_files') }}

),

renamed as (

    select
        -- ids
        source_file,
        source_month,
        source_version,

        -- strings
        source as source_name,
        source_url,

        -- numbers
        row_count,

        -- timestamps
        loaded_at

    from source

)

select * from renamed
