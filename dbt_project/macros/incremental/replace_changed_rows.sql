{#-
    Incremental strategy of what is made of changed months alone: the rows that its config `changed_rows` (the name of a
    macro that gives a condition) tells go, and the model's, which it selects by the same condition, come. Where it is
    not known what has changed, the pipeline drops the table before, so that dbt makes the whole.
-#}
{% macro get_incremental_replace_changed_rows_sql(arg_dict) -%}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    delete from {{ arg_dict['target_relation'] }}
    where {{ context[config.require('changed_rows')]() }};
    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }}
    from {{ arg_dict['temp_relation'] }}
{%- endmacro %}
