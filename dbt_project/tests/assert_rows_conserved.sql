{#-
    Per mode and source month: rows in raw data = rows in staging + counted duplicates, and the rows of fct_trips are those
    of staging: as many, and the same in all columns (their hashes add up to the same). One test for both, as the staging
    views compute every column. Asked of the partitions that may not be those of the last build.
-#}
{%- set columns = adapter.get_columns_in_relation(ref('fct_trips')) | map(attribute='name') -%}
{%- set columns = columns | reject('in', ['trip_type', 'source_month']) | list -%}  {#- which the rows are grouped by -#}
{#- Remainders, so that sums of millions stay exact. -#}
{%- set row_hash = 'cast(' ~ hash_row(columns) ~ ' % 1000000007 as bigint)' -%}
{%- set changed = is_of_changed_partition() %}
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
        sum({{ row_hash }}) as staging_hash

    from {{ ref('int_trips__unioned') }}
    where {{ changed }}
    group by 1, 2

),

fact_rows as (

    select
        trip_type,
        source_month,
        count(*) as fact_row_count,
        sum({{ row_hash }}) as fact_hash

    from {{ ref('fct_trips') }}
    where {{ changed }}
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
        staging_rows.staging_hash,
        fact_rows.fact_hash

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

)

select * from compared
where
    raw_row_count <> staging_row_count + duplicate_count
    or staging_row_count <> fact_row_count
    or staging_hash <> fact_hash
