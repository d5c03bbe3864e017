{#-
    Each month's weather brings the first hour of the next one along, and both months say the same of it. Where they do
    not, one of them has the values of other hours; or the archive corrected that hour between the two requests.
-#}
{{ config(severity='warn') }}

{% set measures = [
    'temperature_2m', 'relative_humidity_2m', 'precipitation', 'cloud_cover', 'pressure_msl', 'wind_speed_10m'
] %}

select
    time as hour_utc,
    count(*) as months
from {{ source('weather', 'hourly_weather') }}
group by 1
having
    {% for measure in measures %}
        {{ 'or' if not loop.first }} min({{ measure }}) <> max({{ measure }})
    {% endfor %}
