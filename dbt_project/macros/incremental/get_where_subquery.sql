{#-
    dbt's own, with a placeholder for the `where` of a test, which can't call a macro: `__of_changed_months__` leaves the
    rows of changed months. (dbt's documentation of `where` has this as custom logic.)
-#}
{% macro get_where_subquery(relation) -%}
    {%- set where = config.get('where') -%}
    {%- if not where -%}
        {{ return(relation) }}
    {%- endif -%}
    (
        select * from {{ relation }}
        where {{ where | replace('__of_changed_months__', is_of_changed_partition()) }}
    ) as dbt_subquery
{%- endmacro %}
