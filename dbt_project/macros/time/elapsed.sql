{#- Whole units of time from one timestamp to another, in one line of SQL. -#}
{% macro elapsed(first, last, unit) -%}
    {{ dbt.datediff(first, last, unit) | trim }}
{%- endmacro %}
