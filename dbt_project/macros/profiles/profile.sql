{#-
    The CTEs of the profiles of a source's months; the last one, `profile`, has the columns of month_profiles.

    Medians come from counts of each value: an engine's own would keep every value in memory. They are lower medians, a
    value that some row has, and so do not depend on the engine.

    Args:
        source_name: the source.
        rows: CTE, or a query in brackets, with one row per trip or hour, and a source_month.
        statistics: dict of name to a pair of aggregates, see statistics.sql.
        medians: dict of name to an expression; rows for which it is null do not count.
        shares: dict of name to the expression that cuts: the share of each of its values among the rows that have one.
        ratios: dict of name to the names of two medians, the one over the other.
        told_apart_by: what tells trips apart, see repeated_trips.
        others: CTEs that have more statistics, with the same columns but the source.
-#}
{% macro profile(source_name, rows, statistics, medians, shares={}, ratios={}, told_apart_by=[], others=[]) -%}
    aggregated as (

        select
            source_month,
            {% for statistic in statistics.values() -%}
                cast({{ statistic.value }} as double) as value_{{ loop.index }},
                cast({{ statistic.rows }} as bigint) as row_count_{{ loop.index }}{{ ',' if not loop.last }}
            {% endfor %}
        from {{ rows }} as measured_rows
        group by source_month

    ),

    statistics as (

        {% for name in statistics -%}
            select
                {{ loop.index }} as number,
                '{{ name }}' as statistic
            {{ 'union all' if not loop.last }}
        {% endfor %}

    ),

    -- Row by row; not one select per statistic, as an engine may then read all rows for each.
    listed as (

        select
            aggregated.source_month,
            statistics.statistic,
            '' as cut,
            case statistics.number
                {% for name in statistics -%}
                    when {{ loop.index }} then aggregated.value_{{ loop.index }}
                {% endfor %}
            end as value,
            case statistics.number
                {% for name in statistics -%}
                    when {{ loop.index }} then aggregated.row_count_{{ loop.index }}
                {% endfor %}
            end as row_count

        from aggregated
        cross join statistics

    ),

    measured as (

        select
            source_month,
            {% for expression in medians.values() -%}
                cast({{ expression }} as double) as measure_{{ loop.index }}{{ ',' if not loop.last or shares }}
            {% endfor -%}
            {%- for expression in shares.values() -%}
                {{ expression }} as cut_{{ loop.index }}{{ ',' if not loop.last }}
            {% endfor %}
        from {{ rows }} as measured_rows

    ),

    {%- set measures, cuts = [], [] -%}
    {%- for name in medians %}{% do measures.append('measure_' ~ loop.index) %}{% endfor -%}
    {%- for name in shares %}{% do cuts.append('cut_' ~ loop.index) %}{% endfor -%}
    {%- set texts = [] -%}
    {%- for cut in cuts %}{% do texts.append('cast(' ~ cut ~ ' as ' ~ dbt.type_string() ~ ')') %}{% endfor %}

    counted as (

        select
            source_month,
            case
                {% for name in medians -%}
                    when grouping(measure_{{ loop.index }}) = 0 then '{{ name }}'
                {% endfor -%}
                {%- for name in shares -%}
                    when grouping(cut_{{ loop.index }}) = 0 then '{{ name }}'
                {% endfor %}
            end as statistic,
            coalesce({{ measures | join(', ') }}) as measure,
            {% if cuts -%}
                coalesce({{ texts | join(', ') }}) as cut,
            {% endif %}
            count(*) as row_count

        from measured
        group by grouping sets (
            {% for column in measures + cuts -%}
                (source_month, {{ column }}){{ ',' if not loop.last }}
            {% endfor %}
        )

    ),

    cumulated as (

        select
            source_month,
            statistic,
            measure,
            sum(row_count) over (
                partition by source_month, statistic
                order by measure
            ) as rows_up_to,
            sum(row_count) over (partition by source_month, statistic) as all_rows

        from counted
        where measure is not null

    ),

    medians as (

        select
            source_month,
            statistic,
            '' as cut,
            min(measure) as value,
            max(all_rows) as row_count

        from cumulated
        where 2 * rows_up_to >= all_rows
        group by source_month, statistic

    ),

    {% if shares -%}
    shares as (

        select
            source_month,
            statistic,
            cut,
            {{ ratio_of('row_count', 'sum(row_count) over (partition by source_month, statistic)') }} as value,
            sum(row_count) over (partition by source_month, statistic) as row_count

        from counted
        where cut is not null

    ),

    {% endif -%}
    {% if told_apart_by -%}
        {{ repeated_trips(rows, told_apart_by) }},

    {% endif -%}
    {% for name, pair in ratios.items() -%}
        {{ name }} as (

            select
                one.source_month,
                '{{ name }}' as statistic,
                '' as cut,
                one.value / other.value as value,
                least(one.row_count, other.row_count) as row_count

            from medians as one
            inner join medians as other on one.source_month = other.source_month
            where
                one.statistic = '{{ pair[0] }}'
                and other.statistic = '{{ pair[1] }}'
                and other.value > 0

        ),

    {% endfor -%}
    profile as (

        {% for part in ['listed', 'medians'] + (['shares'] if shares else []) + (['repeated_trips'] if told_apart_by else []) + ratios | list + others -%}
            select
                '{{ source_name }}' as source,
                source_month,
                statistic,
                cut,
                value,
                cast(row_count as bigint) as row_count

            from {{ part }}
            where value is not null
            {{ 'union all' if not loop.last }}
        {% endfor %}

    )
{%- endmacro %}

