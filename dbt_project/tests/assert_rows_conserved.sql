{#-
    Per mode and source month: rows in raw data = rows in staging + counted duplicates, and the rows of fct_trips are those
    of staging: as many, with the same keys, and of each file's first rows the same in all columns (their hashes add up to
    the same). All columns of all rows would be computed by the staging views a second time, a tenth of a whole build; the
    way from them to the fact is the same for every row. Asked of the partitions that may not be those of the last build.
-#}
{%- set first_rows = 100000 -%}
{%- set keys = ['trip_id', 'source_file', 'source_row', 'source_version'] -%}
{%- set columns = adapter.get_columns_in_relation(ref('fct_trips')) | map(attribute='name') -%}
{%- set columns = columns | reject('in', ['trip_type', 'source_month']) | list -%}  {#- which the rows are grouped by -#}
{%- set changed = is_of_changed_partition() -%}
{#- Remainders, so that sums of millions stay exact. -#}
{%- set key_hashes = 'sum(cast(' ~ hash_row(keys) ~ ' % 1000000007 as bigint))' -%}
{%- set row_hashes = 'sum(cast(' ~ hash_row(columns) ~ ' % 1000000007 as bigint))' %}
with

raw_rows as (

    select
        trip_type,
        source_month,
        sum(raw_row_count) as raw_row_count,
        sum(duplicate_count) as duplicate_count

    from {{ ref('int_source_partitions') }}
    where {{ changed }}
    group by 1, 2

),

staging_rows as (

    select
        trip_type,
        source_month,
        count(*) as staging_row_count,
        {{ key_hashes }} as staging_keys

    from {{ ref('int_trips__unioned') }}
    where {{ changed }}
    group by 1, 2

),

staging_first_rows as (

    select
        trip_type,
        source_month,
        {{ row_hashes }} as staging_hash

    from {{ ref('int_trips__unioned') }}
    where {{ changed }} and source_row <= {{ first_rows }}
    group by 1, 2

),

fact_rows as (

    select
        trip_type,
        source_month,
        count(*) as fact_row_count,
        {{ key_hashes }} as fact_keys

    from {{ ref('fct_trips') }}
    where {{ changed }}
    group by 1, 2

),

fact_first_rows as (

    select
        trip_type,
        source_month,
        {{ row_hashes }} as fact_hash

    from {{ ref('fct_trips') }}
    where {{ changed }} and source_row <= {{ first_rows }}
    group by 1, 2

),

months as (

    select
        trip_type,
        source_month
    from raw_rows

    union distinct

    select
        trip_type,
        source_month
    from staging_rows

    union distinct

    select
        trip_type,
        source_month
    from fact_rows

),

compared as (

    select
        months.trip_type,
        months.source_month,
        coalesce(raw_rows.raw_row_count, 0) as raw_row_count,
        coalesce(raw_rows.duplicate_count, 0) as duplicate_count,
        coalesce(staging_rows.staging_row_count, 0) as staging_row_count,
        coalesce(fact_rows.fact_row_count, 0) as fact_row_count,
        staging_rows.staging_keys,
        fact_rows.fact_keys,
        staging_first_rows.staging_hash,
        fact_first_rows.fact_hash

    from months
    left join raw_rows
        on
            months.trip_type = raw_rows.trip_type
            and months.source_month is not distinct from raw_rows.source_month
    left join staging_rows
        on
            months.trip_type = staging_rows.trip_type
            and months.source_month is not distinct from staging_rows.source_month
    left join fact_rows
        on
            months.trip_type = fact_rows.trip_type
            and months.source_month is not distinct from fact_rows.source_month
    left join staging_first_rows
        on
            months.trip_type = staging_first_rows.trip_type
            and months.source_month is not distinct from staging_first_rows.source_month
    left join fact_first_rows
        on
            months.trip_type = fact_first_rows.trip_type
            and months.source_month is not distinct from fact_first_rows.source_month

)

select * from compared
where
    raw_row_count <> staging_row_count + duplicate_count
    or staging_row_count <> fact_row_count
    or staging_keys <> fact_keys
    or staging_hash <> fact_hash
