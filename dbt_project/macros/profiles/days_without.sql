{#- Days of a source month, among its rows' days, on which nothing is. Rows have `starts_at_nyc` and `ends_at_nyc`. -#}
{% macro days_without_rows(date_day) -%}
    {%- set days = elapsed('min(starts_at_nyc)', 'min(ends_at_nyc)', 'day') -%}
    {{ return({
        'value': days ~ ' - count(distinct case when is_of_month then ' ~ date_day ~ ' end)', 'rows': 'count(*)'
    }) }}
{%- endmacro %}
