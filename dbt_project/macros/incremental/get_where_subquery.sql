{#-
    What a test that stands beside a model reads: dbt's own, but of a model whose config tells its `changed_rows` only these,
    where it is known what has changed. The others were tested when they were built, and since then only sums got other
    classes (see reclassify_trips); each row's key names its month, or a file that is of one, so that no two months need be
    compared.
-#}
{% macro get_where_subquery(relation) -%}
    {%- set nodes = [] if changed_months() is none else graph.nodes.values() -%}
    {%- set tested = nodes | selectattr('name', 'equalto', relation.identifier) | list -%}
    {%- set changed_rows = tested[0].config.get('changed_rows') if tested -%}
    {%- if not changed_rows -%}
        {{ return(dbt.default__get_where_subquery(relation)) }}
    {%- endif -%}
    (
        select * from {{ relation }}
        where ({{ config.get('where') or 'true' }}) and {{ context[changed_rows]() }}
    ) as dbt_subquery
{%- endmacro %}
