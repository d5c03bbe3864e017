{{
    config(
        materialized='incremental',
        incremental_strategy='replace_and_note',
        on_schema_change='fail',
    )
}}

{% set hashes = 'compared_hashes' if is_incremental() else ref('int_citibike__ride_hashes') %}

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

{% if is_incremental() %}
-- A copy can only have come, or gone, of a ride that is in a changed month, or of which a copy was, kept or not.
hashes_in_question as (

    select ride_hash
    from {{ ref('int_citibike__ride_hashes') }}
    where {{ is_of_changed_month('citibike') }}

    union all

    select {{ hash_text('ride_id') }} as ride_hash
    from {{ this }}
    where {{ is_of_changed_month('citibike') }} or {{ is_of_changed_month('citibike', 'kept_source_month') }}

),

-- They are few enough for DuckDB to keep them for both that follow.
compared_hashes as (

    select
        source_month,
        ride_hash

    from {{ ref('int_citibike__ride_hashes') }}
    where ride_hash in (select hashes_in_question.ride_hash from hashes_in_question)

),

{% endif %}
-- A chance meeting of two hashes only brings one more candidate.
repeated_hashes as (

    select ride_hash
    from {{ hashes }}
    group by 1
    having count(*) > 1

),

-- By these, whole row groups of rides are left unread.
months_with_copies as (

    select distinct {{ join_as_text('source_month') }} as source_month
    from {{ hashes }}
    where ride_hash in (select repeated_hashes.ride_hash from repeated_hashes)

),

candidates as (

    select rides.*
    from rides
    where
        rides.source_month in (select months_with_copies.source_month from months_with_copies)
        and {{ hash_text('rides.ride_id') }} in (select repeated_hashes.ride_hash from repeated_hashes)

),

numbered as (

    select
        *,
        row_number() over copies as copy_number,
        first_value(source_month) over copies as kept_source_month

    from candidates
    window copies as (
        partition by ride_id
        order by source_month, source_file, source_row
    )

),

losers as (

    select
        ride_id,
        source_month,
        source_file,
        source_row,
        kept_source_month

    from numbered
    where copy_number > 1

    {% if is_incremental() %}
        union all

        select
            ride_id,
            source_month,
            source_file,
            source_row,
            kept_source_month

        from {{ this }}
        where {{ hash_text('ride_id') }} not in (select hashes_in_question.ride_hash from hashes_in_question)
    {% endif %}

)

select * from losers
