{#-
    Every published file has as many rows in raw_data as were counted in it, and every row in raw_data belongs to a
    file that was counted, under the version that was counted. Asked of the months that may not be those of the last build.
-#}
with

counted as (

    select
        source_name,
        source_month,
        source_file,
        source_version,
        sum(row_count) as row_count

    from {{ ref('stg_meta__source_files') }}
    where
        {% for source_name in ('yellow_taxi', 'citibike', 'weather') -%}
            {{ 'or ' if not loop.first }}(source_name = '{{ source_name }}' and {{ is_of_changed_month(source_name) }})
        {% endfor -%}
        or source_name = 'taxi_zones'
    group by 1, 2, 3, 4

),

loaded as (

    {% for source_name, relation in [
        ('yellow_taxi', source('tlc', 'yellow_taxi')),
        ('citibike', source('citibike', 'trips')),
        ('weather', source('weather', 'hourly_weather')),
        ('taxi_zones', source('tlc', 'taxi_zones')),
    ] %}
        {{ 'union all' if not loop.first }}
        select
            '{{ source_name }}' as source_name,
            _source_month as source_month,
            _source_file as source_file,
            _source_version as source_version,
            count(*) as row_count
        from {{ relation }}
        where {{ is_of_changed_month(source_name, '_source_month') if source_name != 'taxi_zones' else 'true' }}
        group by 1, 2, 3, 4
    {% endfor %}

)

select
    coalesce(counted.source_name, loaded.source_name) as source_name,
    coalesce(counted.source_month, loaded.source_month) as source_month,
    coalesce(counted.source_file, loaded.source_file) as source_file,
    counted.row_count as rows_in_the_file,
    loaded.row_count as rows_in_raw_data

from counted
full outer join loaded
    on
        counted.source_name = loaded.source_name
        and counted.source_month is not distinct from loaded.source_month
        and counted.source_file = loaded.source_file
        and counted.source_version = loaded.source_version
where coalesce(counted.row_count, 0) <> coalesce(loaded.row_count, 0)
