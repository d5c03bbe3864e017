{#-
    The first or the last date for which weather was ordered, as text; empty where none was given. Asked when a query is
    made, not when the project is parsed: with a new month these change, and dbt then has nothing to parse again.
-#}
{% macro first_weather_date() -%}
    {{ return(env_var('MOBILITY_WEATHER_START_DATE', '') if execute else '') }}
{%- endmacro %}

{% macro last_weather_date() -%}
    {{ return(env_var('MOBILITY_WEATHER_END_DATE', '') if execute else '') }}
{%- endmacro %}
