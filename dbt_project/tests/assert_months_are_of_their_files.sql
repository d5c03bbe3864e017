{#-
    Most rows of a month are what its publisher's schema says: they have their times, and begin in the file's month; taxi
    trips have zones, miles and money; rides start in or near New York. A month of which half of the rows are not is
    another file, or was misread. Asked of the months that may not be those of the last build.
-#}
{%- set sources = {
    'yellow_taxi': {
        'relation': source('tlc', 'yellow_taxi'),
        'pickup_at_nyc': 'tpep_pickup_datetime',
        'given': [
            'tpep_dropoff_datetime', 'pu_location_id', 'do_location_id', 'trip_distance', 'fare_amount', 'tip_amount',
            'total_amount'
        ],
    },
    'citibike': {
        'relation': source('citibike', 'trips'),
        'pickup_at_nyc': 'coalesce(started_at, starttime)',
        'given': [
            'coalesce(ended_at, stoptime)',
            'case when coalesce(start_lat, start_station_latitude) between 40.4 and 41.1 then 1 end',
            'case when coalesce(start_lng, start_station_longitude) between -74.4 and -73.5 then 1 end',
        ],
    },
} %}
with

months as (

    {% for source_name, told in sources.items() %}
        {{ 'union all' if not loop.first }}
        select
            '{{ source_name }}' as source_name,
            published._source_month as source_month,
            count(*) as row_count,
            count(
                case
                    when
                        {{ told.pickup_at_nyc }} >= months.starts_at_nyc
                        and {{ told.pickup_at_nyc }} < months.ends_at_nyc
                        then 1
                end
            ) as rows_of_the_month,
            least(count({{ told.given | join('), count(') }})) as rows_with_all
        from {{ told.relation }} as published
        inner join {{ ref('int_loaded_months') }} as months
            on
                published._source_month = months.source_month
                and months.source_name = '{{ source_name }}'
        where {{ is_of_changed_month(source_name, 'published._source_month') }}
        group by 1, 2
    {% endfor %}

)

select * from months
where 2 * least(rows_of_the_month, rows_with_all) < row_count
