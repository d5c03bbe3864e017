{{
    config(
        materialized='incremental',
        incremental_strategy='replace_and_note',
        on_schema_change='fail',
    )
}}

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
-- Copies that were none before are of a ride in a changed month; those that are none any more were here.
hashes_in_question as (

    select {{ hash_text('ride_id') }} as ride_hash
    from rides
    where {{ is_of_changed_month('citibike') }}

    union distinct

    select {{ hash_text('ride_id') }} as ride_hash
    from {{ this }}

),

{% endif %}
rides_in_question as (

    select * from rides
    {% if is_incremental() %}
        where {{ hash_text('ride_id') }} in (select ride_hash from hashes_in_question)
    {% endif %}

),

-- Hashes are a quarter of the size of the texts; a chance meeting only brings one more candidate.
repeated_hashes as (

    select {{ hash_text('ride_id') }} as ride_hash
    from rides_in_question
    group by 1
    having count(*) > 1

),

candidates as (

    select rides_in_question.*
    from rides_in_question
    inner join repeated_hashes
        on {{ hash_text('rides_in_question.ride_id') }} = repeated_hashes.ride_hash

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
