{#- A 64-bit hash of several columns, nulls included: different hashes prove different rows. -#}
{% macro hash_row(columns) -%}
    {{ return(adapter.dispatch('hash_row')(columns)) }}
{%- endmacro %}

{% macro default__hash_row(columns) -%}
    xxhash64({{ columns | join(', ') }})
{%- endmacro %}

{% macro duckdb__hash_row(columns) -%}
    hash({{ columns | join(', ') }})
{%- endmacro %}
