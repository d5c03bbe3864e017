{#-
    A short text, for rows of a large table to be joined by. DuckDB leaves unread whichever row groups of the table the
    joined texts rule out; but of a column itself, where it knows that no text is long, it would make numbers of both sides
    first, and read everything.
-#}
{% macro join_as_text(column) -%}
    {{ return(adapter.dispatch('join_as_text')(column)) }}
{%- endmacro %}

{% macro default__join_as_text(column) -%}
    {{ column }}
{%- endmacro %}

{% macro duckdb__join_as_text(column) -%}
    {{ column }} || ''
{%- endmacro %}
