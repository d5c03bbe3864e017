{#-
    The rows of each file in raw_data bear the positions 1 to n, each once: their number, their least and greatest position,
    the sum of the positions and of their squares are those of 1 to n. File and position are the key of a taxi trip, which
    makes that key unique at a quarter of what it costs to compare ten million texts.
-#}
with

positions as (

    {% for source_name, relation in [
        ('yellow_taxi', source('tlc', 'yellow_taxi')),
        ('citibike', source('citibike', 'trips')),
    ] %}
        {{ 'union all' if not loop.first }}
        select
            '{{ source_name }}' as source_name,
            _source_month as source_month,
            _source_file as source_file,
            _source_version as source_version,
            cast(count(*) as decimal(38, 0)) as row_count,
            min(_source_row) as first_position,
            max(_source_row) as last_position,
            {{ exact_sum('_source_row') }} as sum_of_positions,
            {{ exact_sum('_source_row * _source_row') }} as sum_of_squares
        from {{ relation }}
        where {{ is_of_changed_partition("'" ~ source_name ~ "'", '_source_month') }}
        group by 1, 2, 3, 4
    {% endfor %}

)

select * from positions
where
    first_position <> 1
    or last_position <> row_count
    or sum_of_positions * 2 <> row_count * (row_count + 1)
    or sum_of_squares * 6 <> row_count * (row_count + 1) * (2 * row_count + 1)
    or sum_of_positions is null
