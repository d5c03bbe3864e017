{#- Columns that every mode derives in one way. Times are UTC unless the name says otherwise. -#}

{#- Text key of a trip from its place in a published file: unique, and the same at every load. -#}
{% macro trip_key(source_file, source_row) -%}
    {{ source_file }} || '#' || cast({{ source_row }} as {{ dbt.type_string() }})
{%- endmacro %}


{#- An amount of dollars, or of miles, as the exact number of hundredths it was published as. -#}
{% macro hundredths(column) -%}
    cast({{ column }} as decimal(18, 2))
{%- endmacro %}


{#- Minutes from whole microseconds; six decimals, so that sums do not depend on their order. -#}
{% macro duration_minutes(duration_microseconds) -%}
    cast({{ duration_microseconds }} / 60000000.0 as decimal(18, 6))
{%- endmacro %}


{#- Null where no time passed or nobody measured the distance. -#}
{% macro speed_mph(distance_miles, duration_microseconds) -%}
    case
        when {{ duration_microseconds }} > 0
            then cast({{ distance_miles }} as double) * 3600000000.0 / {{ duration_microseconds }}
    end
{%- endmacro %}
