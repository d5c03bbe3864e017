{#-
    Every source that is switched on has at least one loaded month, and rows in each of its loaded months: source by
    source, for one mode's millions would hide another's absence. Trips are there where they were added up by the hour.
-#}
with

enabled as (

    {% for source_name in var('enabled_sources') %}
        {{ 'union all' if not loop.first }}
        select '{{ source_name }}' as source_name
    {% else %}
        select cast(null as {{ dbt.type_string() }}) as source_name
        where false
    {% endfor %}

),

months as (

    select
        source_name,
        source_month

    from {{ ref('int_loaded_months') }}

),

months_with_rows as (

    select distinct
        trip_type as source_name,
        source_month

    from {{ ref('int_trips__by_hour') }}

    union all

    select distinct
        'weather' as source_name,
        _source_month as source_month

    from {{ source('weather', 'hourly_weather') }}

)

select
    enabled.source_name,
    months.source_month

from enabled
left join months
    on enabled.source_name = months.source_name
left join months_with_rows
    on
        months.source_name = months_with_rows.source_name
        and months.source_month = months_with_rows.source_month
where months_with_rows.source_name is null
