with

rides as (

    select
        ride_id,
        _source_month as source_month,
        _source_file as source_file,
        _source_row as source_row

    from {{ source('citibike', 'trips') }}
    where ride_id <> ''

),

-- Hashes are a quarter of the size of the texts; a chance meeting only brings one more candidate.
repeated_hashes as (

    select {{ hash_text('ride_id') }} as ride_hash
    from rides
    group by 1
    having count(*) > 1

),

candidates as (

    select rides.*
    from rides
    inner join repeated_hashes
        on {{ hash_text('rides.ride_id') }} = repeated_hashes.ride_hash

),

numbered as (

    select
        *,
        row_number() over (
            partition by ride_id
            order by source_month, source_file, source_row
        ) as copy_number

    from candidates

),

losers as (

    select
        ride_id,
        source_month,
        source_file,
        source_row

    from numbered
    where copy_number > 1

)

select * from losers
