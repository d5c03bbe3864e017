{#-
    What a test that stands beside a model reads: dbt's own, but of fct_trips only the changed partitions, where it is
    known which these are. The others were tested when they were built, and nothing has touched them since.
-#}
{% macro get_where_subquery(relation) -%}
    {%- if relation.identifier != 'fct_trips' or changed_months() is none -%}
        {{ return(dbt.default__get_where_subquery(relation)) }}
    {%- endif -%}
    (
        select * from {{ relation }}
        where ({{ config.get('where') or 'true' }}) and {{ is_of_changed_partition() }}
    ) as dbt_subquery
{%- endmacro %}
