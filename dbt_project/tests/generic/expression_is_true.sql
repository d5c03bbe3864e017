{#- The condition holds in every row. A null fails: write the condition so that it decides. -#}
{% test expression_is_true(model, expression) %}

select *
from {{ model }}
where not coalesce(({{ expression }}), false)

{% endtest %}
