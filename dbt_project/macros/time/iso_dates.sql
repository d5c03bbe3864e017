{#- ISO 8601 parts of a date: the day of the week (Monday 1), the week, and the year that week belongs to. -#}
{% macro iso_day_of_week(date_day) -%}
    {{ return(adapter.dispatch('iso_day_of_week')(date_day)) }}
{%- endmacro %}

{% macro default__iso_day_of_week(date_day) -%}
    cast(extract(dow_iso from {{ date_day }}) as integer)
{%- endmacro %}

{% macro duckdb__iso_day_of_week(date_day) -%}
    cast(extract(isodow from {{ date_day }}) as integer)
{%- endmacro %}


{% macro iso_week(date_day) -%}
    cast(extract(week from {{ date_day }}) as integer)
{%- endmacro %}


{% macro iso_year(date_day) -%}
    {{ return(adapter.dispatch('iso_year')(date_day)) }}
{%- endmacro %}

{% macro default__iso_year(date_day) -%}
    cast(extract(yearofweek from {{ date_day }}) as integer)
{%- endmacro %}

{% macro duckdb__iso_year(date_day) -%}
    cast(extract(isoyear from {{ date_day }}) as integer)
{%- endmacro %}
