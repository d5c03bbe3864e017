{#-
    The partitions of a trip fact that differ from what raw data would give today. Where it is known what has changed since
    the last build that ended well, these only are looked at; else all are, with no memory of earlier runs.

    A partition (trip_type, source_month) is stale where
    - a file's rows under a version are not as many in the fact as in raw data less its duplicates: a republished,
      new or removed month, or one in which a ride won or lost against a copy in another month;
    - a row that is a duplicate today is in the fact: the counts may agree while the rows do not;
    - a row has an id that is reused today and was not, or the other way round: it has another key.
    Together these are exact: with versions equal, the fact's rows are rows of that very file; none of them is to go,
    and they are as many as are to stay.

    Args:
        fact: relation of the fact, with source_file, source_row and source_version.
        source_partitions: relation of int_source_partitions.
        duplicates: relation of int_citibike__duplicate_rides.

    Returns:
        Dict of trip_type to its sorted list of source months.
-#}
{% macro stale_partitions(fact, source_partitions, duplicates) -%}
    {%- set changed = is_of_changed_partition() -%}
    {%- set query -%}
        with

        expected as (

            select
                trip_type,
                source_month,
                source_file,
                source_version,
                raw_row_count - duplicate_count as row_count

            from {{ source_partitions }}
            where {{ changed }}

        ),

        present as (

            select
                trip_type,
                source_month,
                source_file,
                source_version,
                count(*) as row_count

            from {{ fact }}
            where {{ changed }}
            group by 1, 2, 3, 4

        ),

        miscounted as (

            select
                coalesce(expected.trip_type, present.trip_type) as trip_type,
                coalesce(expected.source_month, present.source_month) as source_month

            from expected
            full outer join present
                on
                    expected.trip_type = present.trip_type
                    and expected.source_month = present.source_month
                    and expected.source_file = present.source_file
                    and expected.source_version = present.source_version
            where coalesce(expected.row_count, 0) <> coalesce(present.row_count, 0)

        ),

        intruding as (

            select
                fact.trip_type,
                fact.source_month

            from {{ fact }} as fact
            inner join {{ duplicates }} as duplicates
                on
                    fact.source_file = duplicates.source_file
                    and fact.source_row = duplicates.source_row
            where
                fact.trip_type = 'citibike'
                and not (duplicates.has_reused_id and fact.has_reused_id)
                and {{ is_of_changed_partition('fact.trip_type', 'fact.source_month') }}

        ),

        released as (

            select
                fact.trip_type,
                fact.source_month

            from {{ fact }} as fact
            left join {{ duplicates }} as duplicates
                on
                    fact.source_file = duplicates.source_file
                    and fact.source_row = duplicates.source_row
            where
                fact.has_reused_id
                and not coalesce(duplicates.has_reused_id, false)
                and {{ is_of_changed_partition('fact.trip_type', 'fact.source_month') }}

        )

        select trip_type, source_month from miscounted
        union
        select trip_type, source_month from intruding
        union
        select trip_type, source_month from released
        order by 1, 2
    {%- endset -%}
    {%- set stale = {} -%}
    {%- for trip_type, source_month in run_query(query).rows -%}
        {%- do stale.setdefault(trip_type, []).append(source_month) -%}
    {%- endfor -%}
    {{ return(stale) }}
{%- endmacro %}
