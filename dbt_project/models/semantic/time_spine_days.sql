-- A timestamp, as all times that metrics are cut by.
select distinct cast(date_day as timestamp) as spine_day
from {{ ref('fct_hourly_mobility') }}
