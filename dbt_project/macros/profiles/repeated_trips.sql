{#-
    A month's share of trips that agree with an earlier one in all of some columns, as a profile's rows. A quarter of the
    trips is looked at, those that begin in the first quarter of a minute: to tell millions of rows apart takes memory.

    Args:
        rows: as `profile` has it, with one row per trip, with source_month and pickup_at_nyc.
        columns: what tells trips apart.
-#}
{% macro repeated_trips(rows, columns) -%}
    distinct_trips as (

        select
            source_month,
            {{ hash_row(columns) }} as trip_hash,
            count(*) as row_count

        from {{ rows }} as measured_rows
        where extract(second from pickup_at_nyc) < 15
        group by source_month, {{ hash_row(columns) }}

    ),

    repeated_trips as (

        select
            source_month,
            'share_of_repeated_trips' as statistic,
            '' as cut,
            1 - {{ ratio_of('count(*)', 'sum(row_count)') }} as value,
            sum(row_count) as row_count

        from distinct_trips
        group by source_month

    )
{%- endmacro %}
