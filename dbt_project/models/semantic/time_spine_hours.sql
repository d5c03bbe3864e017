select distinct hour_nyc as spine_hour
from {{ ref('fct_hourly_mobility') }}
