{#-
    Name of the US federal holiday (5 U.S.C. 6103) on a date, or null.

    A holiday on a Saturday is observed on the Friday before it, one on a Sunday on the Monday after it; both the legal
    date and the observed day are holidays, the latter with '(observed)' after its name. Every rule is one on the parts
    of the date itself: the n-th weekday of a month is the one on day 7n - 6 to 7n.

    Args:
        year, month, day: integer parts of the date.
        day_of_week: ISO day of the week, Monday 1.
-#}
{% macro us_federal_holiday(year, month, day, day_of_week) -%}
    {#- month, day, name, first year, and the month and day of the Friday before and of the Monday after. -#}
    {%- set fixed = [
        (1, 1, "New Year''s Day", none, (12, 31), (1, 2)),
        (6, 19, 'Juneteenth', 2021, (6, 18), (6, 20)),
        (7, 4, 'Independence Day', none, (7, 3), (7, 5)),
        (11, 11, 'Veterans Day', none, (11, 10), (11, 12)),
        (12, 25, 'Christmas Day', none, (12, 24), (12, 26)),
    ] -%}
    {#- month, day of the week, first and last day of the month it may fall on, name, first year. -#}
    {%- set floating = [
        (1, 1, 15, 21, 'Martin Luther King Jr. Day', 1986),
        (2, 1, 15, 21, "Washington''s Birthday", none),
        (5, 1, 25, 31, 'Memorial Day', none),
        (9, 1, 1, 7, 'Labor Day', none),
        (10, 1, 8, 14, 'Columbus Day', none),
        (11, 4, 22, 28, 'Thanksgiving Day', none),
    ] -%}
    case
        {%- for holiday_month, holiday_day, name, first_year, friday, monday in fixed %}
        {%- set since = ' and ' ~ year ~ ' >= ' ~ first_year if first_year else '' %}
        when {{ month }} = {{ holiday_month }} and {{ day }} = {{ holiday_day }}{{ since }}
            then '{{ name }}'
        when {{ month }} = {{ friday[0] }} and {{ day }} = {{ friday[1] }} and {{ day_of_week }} = 5{{ since }}
            then '{{ name }} (observed)'
        when {{ month }} = {{ monday[0] }} and {{ day }} = {{ monday[1] }} and {{ day_of_week }} = 1{{ since }}
            then '{{ name }} (observed)'
        {%- endfor %}
        {%- for holiday_month, weekday, first_day, last_day, name, first_year in floating %}
        {%- set since = ' and ' ~ year ~ ' >= ' ~ first_year if first_year else '' %}
        when
            {{ month }} = {{ holiday_month }} and {{ day_of_week }} = {{ weekday }}
            and {{ day }} between {{ first_day }} and {{ last_day }}{{ since }}
            then '{{ name }}'
        {%- endfor %}
    end
{%- endmacro %}
