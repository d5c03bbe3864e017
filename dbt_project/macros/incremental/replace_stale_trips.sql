{#-
    Incremental strategy of fct_trips: stale partitions go and their rows of int_trips__unioned come, in dbt's one
    transaction around the model, so that a killed run leaves the fact as it was.

    Why not delete+insert: it deletes only what the new rows bring along, so that a month taken out of raw data would
    stay for ever, and it joins each old row of a month with each new one. Why not the temporary table that dbt makes of
    the model (`temp_relation`, empty here): a copy of each month costs as much again. Hence the model may only name
    columns of int_trips__unioned, and compute none.
-#}
{% macro get_incremental_replace_stale_trips_sql(arg_dict) -%}
    {%- set stale = stale_partitions(
        arg_dict['target_relation'], ref('int_source_partitions'), ref('int_citibike__duplicate_rides')
    ) -%}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    {%- if stale -%}
        delete from {{ arg_dict['target_relation'] }}
        where {{ in_partitions(stale) }};
        insert into {{ arg_dict['target_relation'] }} ({{ columns }})
        select {{ columns }}
        from {{ ref('int_trips__unioned') }}
        where {{ in_partitions(stale) }}
    {%- else -%}
        select 'nothing is stale' as outcome
    {%- endif -%}
{%- endmacro %}
