{#-
    What follows the making of sums of trips, where only changed partitions were made: of the other rows, those whose
    hour has other classes than it had get the new ones. These are at the edges of changed months, and where the weather
    alone has changed; no trip need be added up again for it.
-#}
{% macro reclassify_trips() -%}
    {%- if changed_months() -%}
        {%- set keys = ['trip_type', 'pickup_date', 'pickup_hour_of_day', 'pickup_hour_utc'] -%}
        {%- set classified -%}
            with

            summed as (

                select
                    rowid as row_number,
                    {{ keys | join(', ') }}

                from {{ this }}
                where not ({{ is_of_changed_partition() }}) and ({{ is_of_changed_day() }})

            )

            {{ classify_trips('summed') }}
        {%- endset -%}
        {%- set classes = get_columns_in_query(classified) | reject('in', ['row_number'] + keys) | list -%}
        update {{ this }} as summed
        set
            {% for class in classes -%}
                {{ class }} = classified.{{ class }}{{ ',' if not loop.last }}
            {% endfor %}
        from ({{ classified }}) as classified
        where
            summed.rowid = classified.row_number
            and (summed.{{ classes | join(', summed.') }})
            is distinct from (classified.{{ classes | join(', classified.') }})
    {%- endif -%}
{%- endmacro %}
