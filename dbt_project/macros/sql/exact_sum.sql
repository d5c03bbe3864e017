{#- The sum of whole numbers, however large it becomes: DuckDB's own has 128 bits, where a decimal takes three times as long. -#}
{% macro exact_sum(expression) -%}
    {{ return(adapter.dispatch('exact_sum')(expression)) }}
{%- endmacro %}

{% macro default__exact_sum(expression) -%}
    sum(cast({{ expression }} as decimal(38, 0)))
{%- endmacro %}

{% macro duckdb__exact_sum(expression) -%}
    sum({{ expression }})
{%- endmacro %}
