{#-
    One row per step from `first` to `last`, both included, as a timestamp; for use in a select list.
    `step` is 'hour' or 'day'. dbt.date_spine takes literal limits only; these may be columns.
-#}
{% macro explode_series(first, last, step) -%}
    {{ return(adapter.dispatch('explode_series')(first, last, step)) }}
{%- endmacro %}

{% macro default__explode_series(first, last, step) -%}
    explode(sequence({{ first }}, {{ last }}, interval 1 {{ step }}))
{%- endmacro %}

{% macro duckdb__explode_series(first, last, step) -%}
    unnest(generate_series({{ first }}, {{ last }}, interval 1 {{ step }}))
{%- endmacro %}
