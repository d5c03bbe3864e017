{#-
    New York wall time of a UTC timestamp, by the engine's own zone data and whatever the session's zone.
    Slow for each of ten million trips; meant for hours and days.
-#}
{% macro utc_to_nyc(timestamp_utc) -%}
    {{ return(adapter.dispatch('utc_to_nyc')(timestamp_utc)) }}
{%- endmacro %}

{% macro default__utc_to_nyc(timestamp_utc) -%}
    from_utc_timestamp({{ timestamp_utc }}, 'America/New_York')
{%- endmacro %}

{% macro duckdb__utc_to_nyc(timestamp_utc) -%}
    timezone('America/New_York', timezone('UTC', {{ timestamp_utc }}))
{%- endmacro %}
