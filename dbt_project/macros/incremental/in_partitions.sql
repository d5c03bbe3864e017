{#-
    The condition that picks partitions. Their months stand once more by themselves, so that whole row groups are left
    unread: by what stands in an `or`, DuckDB would not leave them. Where all modes have the same months, as they mostly
    do, the mode is not asked, which would take longer than many a query itself.

    Args:
        partitions: dict of trip_type to its sorted months, not empty.
-#}
{% macro in_partitions(partitions, trip_type='trip_type', source_month='source_month') -%}
    {%- set months = partitions.values() | sum(start=[]) | unique | sort -%}
    {{ in_months(months, source_month) }}
    {%- if partitions | length < trip_types() | length or partitions.values() | map('join') | unique | list | length > 1 %}
    and (
        {% for mode, months in partitions.items() -%}
            {{ 'or ' if not loop.first }}({{ trip_type }} = '{{ mode }}' and {{ in_months(months, source_month) }})
        {% endfor -%}
    )
    {%- endif -%}
{%- endmacro %}


{#-
    The condition that picks sorted months, at least one. They are literals, and their range is told: DuckDB takes a
    comparison along to a table that is joined by the month, which it does not with a list.
-#}
{% macro in_months(months, source_month='source_month') -%}
    {%- if months | length == 1 -%}
        {{ source_month }} = '{{ months[0] }}'
    {%- else -%}
        ({{ source_month }} between '{{ months | first }}' and '{{ months | last }}'
        and {{ source_month }} in ('{{ months | join("', '") }}'))
    {%- endif -%}
{%- endmacro %}
