{#-
    Incremental strategy of int_citibike__duplicate_rides: the model's rows are all that are to be there, and where they
    differ from those that are, their months are noted among the changed ones, for what is made and tested of them
    afterwards. Where it is not known what has changed, the pipeline drops the table before, so that dbt makes the whole.
-#}
{% macro get_incremental_replace_and_note_sql(arg_dict) -%}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    {%- set new, old = arg_dict['temp_relation'], arg_dict['target_relation'] -%}
    {%- if changed_months() is not none %}
    insert into meta.changed_months
    select distinct
        'citibike' as source,
        source_month
    from (
        (select {{ columns }} from {{ new }} except select {{ columns }} from {{ old }})
        union all
        (select {{ columns }} from {{ old }} except select {{ columns }} from {{ new }})
    ) as differing;
    {%- do forget_changed_months() %}
    {%- endif %}
    delete from {{ old }};
    insert into {{ old }} ({{ columns }})
    select {{ columns }}
    from {{ new }}
{%- endmacro %}
