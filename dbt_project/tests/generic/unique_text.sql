{#-
    A long text key is unique. Hashes are counted first and texts compared only where two hashes meet: exact, at a
    fraction of the memory that grouping ten million texts takes.
-#}
{% test unique_text(model, column_name) %}

with

repeated_hashes as (

    select {{ hash_text(column_name) }} as text_hash
    from {{ model }}
    where {{ column_name }} is not null
    group by 1
    having count(*) > 1

),

candidates as (

    select {{ column_name }}
    from {{ model }}
    inner join repeated_hashes
        on {{ hash_text(column_name) }} = repeated_hashes.text_hash

)

select
    {{ column_name }},
    count(*) as row_count

from candidates
group by 1
having count(*) > 1

{% endtest %}
