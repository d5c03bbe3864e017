{#- A 64-bit hash of a text: different hashes prove different texts, equal ones prove nothing. -#}
{% macro hash_text(expression) -%}
    {{ return(adapter.dispatch('hash_text')(expression)) }}
{%- endmacro %}

{% macro default__hash_text(expression) -%}
    xxhash64({{ expression }})
{%- endmacro %}

{% macro duckdb__hash_text(expression) -%}
    hash({{ expression }})
{%- endmacro %}
