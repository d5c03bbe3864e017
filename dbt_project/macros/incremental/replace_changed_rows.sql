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


{#-
    dbt's own, but that changed rows are a temporary view, where dbt would make a table of them: they are inserted once,
    and the model does not read its own table, from which the old ones have gone by then.
-#}
{% macro create_table_as(
    temporary, relation, compiled_code, language='sql', partitioned_by=none, sorted_by=none
) -%}
    {%- if not temporary or config.get('incremental_strategy') != 'replace_changed_rows' -%}
        {{ return(adapter.dispatch('create_table_as', 'dbt')(
            temporary, relation, compiled_code, language, partitioned_by=partitioned_by, sorted_by=sorted_by
        )) }}
    {%- endif -%}
    {%- if config.get('contract').enforced -%}
        {{ get_assert_columns_equivalent(compiled_code) }}
    {%- endif -%}
    create temporary view {{ relation.include(database=false, schema=false) }} as (
        {{ compiled_code }}
    )
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
