{#- The modes whose trips int_trips__unioned brings together. -#}
{% macro trip_types() -%}
    {{ return(['yellow_taxi', 'citibike']) }}
{%- endmacro %}
