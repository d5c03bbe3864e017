{#-
    Every source that is switched on has at least one loaded month, and rows in each of its loaded months: source by
    source, for one mode's millions would hide another's absence.
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

month_rows as (

    select
        trip_type as source_name,
        source_month,
        count(*) as row_count

    from {{ ref('fct_trips') }}
    group by 1, 2

    union all

    select
        'weather' as source_name,
        _source_month as source_month,
        count(*) as row_count

    from {{ source('weather', 'hourly_weather') }}
    group by 1, 2

)

select
    enabled.source_name,
    months.source_month,
    month_rows.row_count

from enabled
left join months
    on enabled.source_name = months.source_name
left join month_rows
    on
        months.source_name = month_rows.source_name
        and months.source_month = month_rows.source_month
where month_rows.row_count is null
