{#-
    What a test that stands beside a model reads: dbt's own, but of fct_trips only the changed partitions, where it is
    known which these are. The others were tested when they were built, and nothing has touched them since.
-#}
{% macro get_where_subquery(relation) -%}
    {%- set conditions = [] -%}
    {%- if config.get('where') -%}
        {%- do conditions.append(config.get('where')) -%}
    {%- endif -%}
    {%- if relation.identifier == 'fct_trips' and changed_months() is not none -%}
        {%- do conditions.append(is_of_changed_partition()) -%}
    {%- endif -%}
    {%- if conditions -%}
        (select * from {{ relation }} where {{ '(' ~ conditions | join(') and (') ~ ')' }}) as {{ relation.identifier }}_rows
    {%- else -%}
        {{ relation }}
    {%- endif -%}
{%- endmacro %}
