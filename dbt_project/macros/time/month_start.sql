{#- The first day of a 'YYYY-MM' month, as a timestamp. -#}
{% macro month_start(source_month) -%}
    cast({{ source_month }} || '-01' as timestamp)
{%- endmacro %}
