{#-
    The months that have changed since the last build that ended well, as a dict of source to its months; none for
    everything. The pipeline hands them over (luigi_pipeline/state/changes.py); whoever runs dbt by hand gets none. Asked
    when a query is made, not when the project is parsed: with other months dbt has nothing to parse again.
-#}
{% macro changed_months() -%}
    {{ return(fromjson(env_var('MOBILITY_CHANGED_MONTHS', 'null')) if execute else none) }}
{%- endmacro %}


{#- A condition on a source's rows: that they are of one of its changed months. -#}
{% macro is_of_changed_month(source_name, source_month='source_month') -%}
    {%- set changed = changed_months() -%}
    {%- set months = (changed or {}).get(source_name, []) -%}
    {%- if changed is none -%}
        true
    {%- else -%}
        {{ in_months(months, source_month) if months else 'false' }}
    {%- endif -%}
{%- endmacro %}


{#- A condition on rows with a mode and a source month: that they are of a changed partition. -#}
{% macro is_of_changed_partition(trip_type='trip_type', source_month='source_month') -%}
    {%- set changed = changed_months() -%}
    {%- set partitions = dict(changed or {}) -%}
    {%- do partitions.pop('weather', none) -%}
    {%- if changed is none -%}
        true
    {%- elif partitions -%}
        ({{ in_partitions(partitions, trip_type, source_month) }})
    {%- else -%}
        false
    {%- endif -%}
{%- endmacro %}


{#-
    A condition on trips: that they were picked up on a day whose weather or coverage may have changed. A weather month
    goes an hour beyond the month, hence a day on either side. To be asked where months have changed.
-#}
{% macro is_of_changed_day() -%}
    {%- for month in changed_months().values() | sum(start=[]) | unique | sort %}
        {{ 'or ' if not loop.first }}(
            pickup_date >= {{ dbt.dateadd('day', -1, month_start("'" ~ month ~ "'")) }}
            and pickup_date < {{ dbt.dateadd('day', 1, dbt.dateadd('month', 1, month_start("'" ~ month ~ "'"))) }}
        )
    {%- endfor -%}
{%- endmacro %}
