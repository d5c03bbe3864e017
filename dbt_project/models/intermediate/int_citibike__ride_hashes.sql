{{
    config(
        materialized='incremental',
        incremental_strategy='replace_changed_rows',
        changed_rows='is_of_changed_citibike_month',
        on_schema_change='fail',
    )
}}

with

rides as (

    select
        _source_month as source_month,
        {{ hash_text('ride_id') }} as ride_hash

    from {{ source('citibike', 'trips') }}
    where ride_id <> ''
    {% if is_incremental() %}
        and {{ is_of_changed_month('citibike', '_source_month') }}
    {% endif %}

)

select * from rides
