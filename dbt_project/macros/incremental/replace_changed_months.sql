{#-
    Incremental strategy of what is made of source months: the rows of changed months go, and the model's, which it
    selects by the same condition, come. Its `unique_key` is the column with the source or mode, and that with the month.

    Why not delete+insert: it deletes only what the new rows bring along, so a month taken out of raw data would stay.
-#}
{% macro get_incremental_replace_changed_months_sql(arg_dict) -%}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    delete from {{ arg_dict['target_relation'] }}
    where {{ is_of_changed_partition(*arg_dict['unique_key']) }};
    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }}
    from {{ arg_dict['temp_relation'] }}
{%- endmacro %}
