{#-
    What a month's profile is made of: a statistic of a month's rows, as a pair of aggregates, its value and how many
    rows that stands on. A profile is a dict of them by name, see `profile`.

    Nothing here depends on the order of rows or on the engine: counts, exact sums and values that rows have. No mean is
    among them that a single slip could move.
-#}

{#- How many rows: of all, or of those of a condition. -#}
{% macro rows_of(condition='true') -%}
    {{ return({'value': 'count(case when ' ~ condition ~ ' then 1 end)', 'rows': 'count(*)'}) }}
{%- endmacro %}


{#- How many different values a column has. -#}
{% macro distinct_of(expression) -%}
    {{ return({'value': 'count(distinct ' ~ expression ~ ')', 'rows': 'count(' ~ expression ~ ')'}) }}
{%- endmacro %}


{#- The part of the rows, or of those of a condition (`among`), for which something holds. -#}
{% macro share_of(condition, among='true') -%}
    {%- set part = 'count(case when (' ~ among ~ ') and (' ~ condition ~ ') then 1 end)' -%}
    {%- set whole = 'count(case when ' ~ among ~ ' then 1 end)' -%}
    {{ return({'value': ratio_of(part, whole), 'rows': whole}) }}
{%- endmacro %}


{#- How many rows of one kind come to one of another kind. -#}
{% macro rows_per_row_of(condition, other) -%}
    {%- set part = 'count(case when ' ~ condition ~ ' then 1 end)' -%}
    {%- set whole = 'count(case when ' ~ other ~ ' then 1 end)' -%}
    {{ return({'value': ratio_of(part, whole), 'rows': part ~ ' + ' ~ whole}) }}
{%- endmacro %}


{#- By how much one share is larger than another; it stands on the rows of the one that has fewer. -#}
{% macro difference_of(share, other) -%}
    {{ return({
        'value': share.value ~ ' - ' ~ other.value,
        'rows': 'least(' ~ share.rows ~ ', ' ~ other.rows ~ ')'
    }) }}
{%- endmacro %}


{#- The largest value. For what can't be a slip: a percentage, hours in a row. -#}
{% macro largest_of(expression) -%}
    {{ return({'value': 'max(' ~ expression ~ ')', 'rows': 'count(' ~ expression ~ ')'}) }}
{%- endmacro %}


{#- The sum of exact numbers. -#}
{% macro sum_of(expression) -%}
    {{ return({'value': 'sum(' ~ expression ~ ')', 'rows': 'count(' ~ expression ~ ')'}) }}
{%- endmacro %}


{#-
    Pearson's correlation of two columns of whole numbers, null in the same rows, by exact sums: an engine's own adds up
    floating-point numbers, in any order.
-#}
{% macro correlation_of(x, y) -%}
    {%- set rows = 'count(' ~ x ~ ')' -%}
    {%- set sums = {} -%}
    {%- for name, term in {'x': x, 'y': y, 'xx': x ~ ' * ' ~ x, 'yy': y ~ ' * ' ~ y, 'xy': x ~ ' * ' ~ y}.items() -%}
        {%- do sums.update({name: 'cast(' ~ exact_sum(term) | trim ~ ' as double)'}) -%}
    {%- endfor -%}
    {%- set covariance = rows ~ ' * ' ~ sums.xy ~ ' - ' ~ sums.x ~ ' * ' ~ sums.y -%}
    {%- set variances = [
        '(' ~ rows ~ ' * ' ~ sums.xx ~ ' - ' ~ sums.x ~ ' * ' ~ sums.x ~ ')',
        '(' ~ rows ~ ' * ' ~ sums.yy ~ ' - ' ~ sums.y ~ ' * ' ~ sums.y ~ ')'
    ] -%}
    {{ return({
        'value': '(' ~ covariance ~ ') / nullif(sqrt(' ~ variances | join(') * sqrt(') ~ '), 0)', 'rows': rows
    }) }}
{%- endmacro %}


{#- A count over another, null over none. -#}
{% macro ratio_of(part, whole) -%}
    {{ return('cast(' ~ part ~ ' as double) / nullif(cast(' ~ whole ~ ' as double), 0)') }}
{%- endmacro %}
