{#-
    Incremental strategy of what is made of changed months alone: the rows that its config `changed_rows` (the name of a
    macro that gives a condition) tells go, and the model's, which it selects by the same condition, come. Where it is
    not known what has changed, the model is built as a whole (see should_full_refresh).
-#}
{% macro get_incremental_replace_changed_rows_sql(arg_dict) -%}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    delete from {{ arg_dict['target_relation'] }}
    where {{ context[config.require('changed_rows')]() }};
    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }}
    from {{ arg_dict['temp_relation'] }}
{%- endmacro %}


{#- dbt's own, but that what is made of changed months is built as a whole where it is not known what has changed. -#}
{% macro should_full_refresh() -%}
    {%- set strategy = config.get('incremental_strategy') -%}
    {%- if strategy in ('replace_changed_rows', 'replace_and_note') and changed_months() is none -%}
        {{ return(true) }}
    {%- endif -%}
    {%- set configured = config.get('full_refresh') -%}
    {{ return(flags.FULL_REFRESH if configured is none else configured) }}
{%- endmacro %}
