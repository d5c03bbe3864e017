{#-
    The months that may not be as the last build that ended well left them, as a dict of source to its months: those of
    raw data that have changed since, as the pipeline noted them, and, once int_citibike__duplicate_rides is built, those
    that won or lost a ride against a changed month. None where that is not known, or where code has changed: then
    everything is built and tested anew. Whoever runs dbt by hand gets None.
-#}
{% macro changed_months() -%}
    {%- if not execute -%}
        {{ return(none) }}
    {%- endif -%}
    {#- Some fifty nodes ask, and `graph` is all that dbt has one node keep for another: it is asked once in a build. -#}
    {%- if graph.get('changed_months', {}).get('asked_in') != invocation_id -%}
        {%- do graph.update({'changed_months': {'asked_in': invocation_id, 'noted': noted_months()}}) -%}
    {%- endif -%}
    {{ return(graph['changed_months']['noted']) }}
{%- endmacro %}


{#- Have the changed months be asked for again: others have been noted. -#}
{% macro forget_changed_months() -%}
    {%- do graph.pop('changed_months', none) -%}
{%- endmacro %}


{#- The changed months as they are noted at this moment. -#}
{% macro noted_months() -%}
    {%- set noted = adapter.get_relation(target.database, 'meta', 'changed_months') -%}
    {%- if not noted -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set changed = {} -%}
    {%- for source, month in run_query('select distinct source, source_month from ' ~ noted ~ ' order by 1, 2').rows -%}
        {%- do changed.setdefault(source, []).append(month) -%}
    {%- endfor -%}
    {{ return(changed) }}
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


{#- The same of one source, by names that a model's configuration can say. -#}
{% macro is_of_changed_taxi_month() -%}
    {{ is_of_changed_month('yellow_taxi') }}
{%- endmacro %}

{% macro is_of_changed_citibike_month() -%}
    {{ is_of_changed_month('citibike') }}
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
