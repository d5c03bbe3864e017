{#-
    Which part of its month a published file is, null where it has no number: by its own name (..._2.csv), or by that of
    the archive that it is alone in (..._2.csv.zip). luigi_pipeline/sources/membernames.py has the same.
-#}
{% macro archive_part_number(source_file) -%}
    {%- set path = 'lower(' ~ source_file ~ ')' -%}
    cast(
        nullif(
            coalesce(
                nullif({{ regexp_capture(path, '_([0-9]{1,3})[.]csv$') }}, ''),
                {{ regexp_capture(path, '.*_([0-9]{1,3})([.]csv)?[.]zip/') }}
            ),
            ''
        ) as integer
    )
{%- endmacro %}
