"""What every metric is, in SQL on the facts: written by hand from the published definitions, not from the models' YAML.

Classes are made of measures and clock times here, and not taken from the dimensions.
"""

import re
from dataclasses import dataclass

# The 69, as they are published: group by group, in order.
_PUBLISHED = """
Core: total_trips avg_trip_duration_minutes median_trip_duration_minutes p95_trip_duration_minutes
    total_trip_distance_miles avg_trip_distance_miles median_trip_distance_miles avg_trip_speed_mph total_passengers
    avg_passengers_per_trip total_revenue avg_fare revenue_per_mile tip_rate_pct
Mode: yellow_taxi_trips citibike_trips yellow_taxi_mode_share_pct citibike_mode_share_pct avg_yellow_taxi_revenue
    total_yellow_taxi_revenue avg_taxi_duration avg_citibike_duration rush_hour_yellow_taxi_trips
    rush_hour_citibike_trips weekend_citibike_trips electric_bike_share_pct member_share_pct
Weather: trips_in_rain trips_in_snow trips_in_adverse_weather trips_in_pleasant_weather trips_in_cold_weather
    trips_in_mild_weather trips_in_hot_weather citibike_trips_good_cycling_weather adverse_weather_trip_rate_pct
    rain_trip_rate_pct avg_trip_duration_adverse_weather avg_trip_duration_pleasant_weather trips_per_rain_hour
    trips_per_dry_hour rain_effect_pct weather_coverage_pct
Time: rush_hour_trips weekend_trips weekday_trips late_night_trips business_hours_trips morning_trips
    afternoon_trips evening_trips night_trips rush_hour_trip_rate_pct weekend_trip_rate_pct late_night_trip_rate_pct
    trips_per_weekday trips_per_weekend_day weekday_vs_weekend_ratio rush_hour_vs_non_rush_ratio
Growth: cumulative_trips trips_7d_rolling trips_month_to_date trips_mom_growth_pct trips_wow_growth_pct
Quality: voided_trip_rate_pct suspect_trip_rate_pct unknown_zone_rate_pct missing_passenger_count_rate_pct
All modes: share_of_all_trips_pct
"""
GROUPS = {
    group: names.split()
    for group, _, names in (block.partition(":") for block in re.split(r"\n(?=\S)", _PUBLISHED.strip()))
}
ALL = [name for names in GROUPS.values() for name in names]


def loaded_months(trip_type: str) -> str:
    return f"(select distinct source_month from nyc_mobility.marts.fct_trips where trip_type = '{trip_type}')"


def covers(trip_type: str) -> str:
    """Whether a mode covers the day: it is in a loaded month of its, and not among the days that are lost of it."""
    return f"""
    (
        strftime(pickup_at_nyc, '%Y-%m') in {loaded_months(trip_type)}
        and not exists (
            from lost where lost.trip_type = '{trip_type}' and pickup_at_nyc::date between first_day and last_day
        )
    )"""


def _covers_or_is_not_there(trip_type: str) -> str:
    return f"({covers(trip_type)} or not exists (from {loaded_months(trip_type)}))"


# Null, and so neither with rain nor without, where the measures do not tell.
_RAIN = """
    case
        when rain_mm > 0 and snowfall_cm >= 0 then true
        when rain_mm = 0 and snowfall_cm > 0 then false
        when precipitation_mm = 0 and coalesce(rain_mm, 0) = 0 and coalesce(snowfall_cm, 0) = 0 then false
    end"""
_SNOW = """
    case
        when snowfall_cm > 0 and rain_mm >= 0 then true
        when snowfall_cm = 0 and rain_mm > 0 then false
        when precipitation_mm = 0 and coalesce(rain_mm, 0) = 0 and coalesce(snowfall_cm, 0) = 0 then false
    end"""
_KIND_OF_WEATHER = f"""
    {_RAIN} as rain,
    {_SNOW} as snow,
    precipitation_mm > 5 or temperature_celsius < -5 or temperature_celsius > 35 or wind_speed_mps > 15 as adverse,
    temperature_celsius between 15 and 25 and precipitation_mm = 0 and wind_speed_mps < 10 and cloud_cover_pct < 50
        as pleasant,
    temperature_celsius between 10 and 25 and precipitation_mm = 0 and wind_speed_mps < 15 as good_cycling,
    case
        when temperature_celsius < 0 then 'cold' when temperature_celsius < 10 then 'cool'
        when temperature_celsius < 20 then 'mild' when temperature_celsius < 30 then 'warm'
        when temperature_celsius is not null then 'hot' else 'unknown'
    end as temperature,
    case
        when wind_speed_mps < 5 then 'calm' when wind_speed_mps < 10 then 'breezy' when wind_speed_mps < 15 then 'windy'
        when wind_speed_mps < 20 then 'very windy' when wind_speed_mps is not null then 'strong' else 'unknown'
    end as wind,
    case
        when rain and snow then 'mixed' when rain then 'rain' when snow then 'snow'
        when not rain then 'none' else 'unknown'
    end as precipitation"""


def _clock(moment: str) -> str:
    return f"""
    date_trunc('hour', {moment}) as hour,
    date_trunc('day', {moment})::timestamp as day,
    date_trunc('week', {moment})::timestamp as week,
    date_trunc('month', {moment})::timestamp as month,
    date_trunc('quarter', {moment})::timestamp as quarter,
    date_trunc('year', {moment})::timestamp as year,
    hour({moment}) as o_clock,
    dayname({moment}) as weekday,
    isodow({moment}) >= 6 as weekend,
    isodow({moment}) < 6 and hour({moment}) in (7, 8, 9, 16, 17, 18) as rush_hour,
    isodow({moment}) < 6 and hour({moment}) between 9 and 16 as business_hour,
    case
        when hour({moment}) between 6 and 11 then 'morning' when hour({moment}) between 12 and 17 then 'afternoon'
        when hour({moment}) between 18 and 21 then 'evening' when {moment} is not null then 'night'
    end as part"""


# Every recorded trip, with what it takes to say which metrics it is in.
TRIPS = f"""
select
    facts.*,
    not is_voided and not is_suspect as counts,
    facts.trip_type = 'yellow_taxi' as taxi,
    facts.trip_type = 'citibike' as bike,
    taxi or {covers("yellow_taxi")} as taxis_loaded,
    bike or {covers("citibike")} as bikes_loaded,
    {covers("yellow_taxi")} and {covers("citibike")} as both_cover,
    {_covers_or_is_not_there("yellow_taxi")} and {_covers_or_is_not_there("citibike")} as all_cover,
    temperature_celsius,
    {_KIND_OF_WEATHER},
    {_clock("pickup_at_nyc")},
    pickups.borough as pickup_borough,
    dropoffs.service_zone as dropoff_service_zone
from nyc_mobility.marts.fct_trips as facts
left join nyc_mobility.marts.dim_weather as weather on facts.pickup_hour_utc = weather.hour_utc
left join nyc_mobility.marts.dim_location as pickups on facts.pickup_location_id = pickups.location_id
left join nyc_mobility.marts.dim_location as dropoffs on facts.dropoff_location_id = dropoffs.location_id
"""

# Every covered hour and mode.
HOURS = f"""
select
    facts.*,
    weather.precipitation_mm,
    {_KIND_OF_WEATHER},
    {_clock("facts.hour_nyc")}
from nyc_mobility.marts.fct_hourly_mobility as facts
left join nyc_mobility.marts.dim_weather as weather on facts.hour_utc = weather.hour_utc
where facts.is_covered
"""


@dataclass(frozen=True)
class Expected:
    """A metric by hand: an aggregate over the rows of `trips` or `hours` that a condition picks."""

    value: str
    where: str


def _share(condition: str) -> str:
    return f"100.0 * count(*) filter ({condition}) / nullif(count(*), 0)"


def _known(flag: str) -> str:
    """How many are known to be so; null where it is known of none."""
    return f"case when count({flag}) > 0 then count(*) filter ({flag}) end"


_MEAN_MINUTES = "sum(duration_minutes) / count(*)"
_TAXIS = "counts and taxi"
_BIKES = "counts and bike"
_CHARGED = "taxi and not is_suspect"

OF_TRIPS = {
    "total_trips": Expected("count(*)", "counts"),
    "avg_trip_duration_minutes": Expected(_MEAN_MINUTES, "counts"),
    "median_trip_duration_minutes": Expected("quantile_cont(duration_minutes, 0.5)", "counts"),
    "p95_trip_duration_minutes": Expected("quantile_cont(duration_minutes, 0.95)", "counts"),
    "total_trip_distance_miles": Expected("sum(distance_miles)", _TAXIS),
    "avg_trip_distance_miles": Expected("sum(distance_miles) / count(distance_miles)", _TAXIS),
    "median_trip_distance_miles": Expected("quantile_cont(distance_miles, 0.5)", _TAXIS),
    "avg_trip_speed_mph": Expected("sum(distance_miles) / nullif(sum(duration_minutes) / 60, 0)", _TAXIS),
    "total_passengers": Expected("sum(passenger_count)", _TAXIS),
    "avg_passengers_per_trip": Expected("sum(passenger_count) / nullif(count(passenger_count), 0)", _TAXIS),
    "total_revenue": Expected("sum(total_amount)", _CHARGED),
    "avg_fare": Expected("sum(fare_amount) / count(*)", _TAXIS),
    "revenue_per_mile": Expected("sum(total_amount) / nullif(sum(distance_miles) filter (not is_voided), 0)", _CHARGED),
    "tip_rate_pct": Expected("100 * sum(tip_amount) / nullif(sum(fare_amount), 0)", "counts and payment_type_code = 1"),
    "yellow_taxi_trips": Expected("count(*) filter (taxi)", "counts and taxis_loaded"),
    "citibike_trips": Expected("count(*) filter (bike)", "counts and bikes_loaded"),
    "yellow_taxi_mode_share_pct": Expected(_share("taxi"), "counts and both_cover and (taxi or bike)"),
    "citibike_mode_share_pct": Expected(_share("bike"), "counts and both_cover and (taxi or bike)"),
    "avg_yellow_taxi_revenue": Expected("sum(total_amount) / nullif(count(*) filter (counts), 0)", _CHARGED),
    "total_yellow_taxi_revenue": Expected("sum(total_amount)", _CHARGED),
    "avg_taxi_duration": Expected(_MEAN_MINUTES, _TAXIS),
    "avg_citibike_duration": Expected(_MEAN_MINUTES, _BIKES),
    "rush_hour_yellow_taxi_trips": Expected("count(*) filter (taxi and rush_hour)", "counts and taxis_loaded"),
    "rush_hour_citibike_trips": Expected("count(*) filter (bike and rush_hour)", "counts and bikes_loaded"),
    "weekend_citibike_trips": Expected("count(*) filter (bike and weekend)", "counts and bikes_loaded"),
    "electric_bike_share_pct": Expected(
        f"case when count(rideable_type) > 0 then {_share('''rideable_type = 'electric_bike' ''')} end", _BIKES
    ),
    "member_share_pct": Expected(
        f"case when count(member_type) > 0 then {_share('''member_type = 'member' ''')} end", _BIKES
    ),
    "trips_in_rain": Expected(_known("rain"), "counts"),
    "trips_in_snow": Expected(_known("snow"), "counts"),
    "trips_in_adverse_weather": Expected(_known("adverse"), "counts"),
    "trips_in_pleasant_weather": Expected(_known("pleasant"), "counts"),
    "trips_in_cold_weather": Expected(_known("temperature_celsius < 0"), "counts"),
    "trips_in_mild_weather": Expected(_known("temperature_celsius >= 10 and temperature_celsius < 20"), "counts"),
    "trips_in_hot_weather": Expected(_known("temperature_celsius >= 30"), "counts"),
    "citibike_trips_good_cycling_weather": Expected(_known("bike and good_cycling"), "counts and bikes_loaded"),
    "adverse_weather_trip_rate_pct": Expected(f"100.0 * {_known('adverse')} / count(*)", "counts"),
    "rain_trip_rate_pct": Expected(f"100.0 * {_known('rain')} / count(*)", "counts"),
    "avg_trip_duration_adverse_weather": Expected(_MEAN_MINUTES, "counts and adverse"),
    "avg_trip_duration_pleasant_weather": Expected(_MEAN_MINUTES, "counts and pleasant"),
    "weather_coverage_pct": Expected(_share("temperature_celsius is not null"), "counts"),
    "rush_hour_trips": Expected("count(*) filter (rush_hour)", "counts"),
    "weekend_trips": Expected("count(*) filter (weekend)", "counts"),
    "weekday_trips": Expected("count(*) filter (not weekend)", "counts"),
    "late_night_trips": Expected("count(*) filter (o_clock in (23, 0, 1, 2, 3, 4))", "counts"),
    "business_hours_trips": Expected("count(*) filter (business_hour)", "counts"),
    "morning_trips": Expected("count(*) filter (o_clock in (6, 7, 8, 9, 10, 11))", "counts"),
    "afternoon_trips": Expected("count(*) filter (o_clock in (12, 13, 14, 15, 16, 17))", "counts"),
    "evening_trips": Expected("count(*) filter (o_clock in (18, 19, 20, 21))", "counts"),
    "night_trips": Expected("count(*) filter (o_clock in (22, 23, 0, 1, 2, 3, 4, 5))", "counts"),
    "rush_hour_trip_rate_pct": Expected(_share("rush_hour"), "counts"),
    "weekend_trip_rate_pct": Expected(_share("weekend"), "counts"),
    "late_night_trip_rate_pct": Expected(_share("o_clock in (23, 0, 1, 2, 3, 4)"), "counts"),
    "voided_trip_rate_pct": Expected(_share("is_voided"), "true"),
    "suspect_trip_rate_pct": Expected(_share("is_suspect"), "true"),
    "unknown_zone_rate_pct": Expected(f"coalesce({_share('pickup_location_id in (264, 265)')}, 0)", _TAXIS),
    "missing_passenger_count_rate_pct": Expected(_share("passenger_count is null"), _TAXIS),
}


def _per(exposure: str, condition: str = "true") -> str:
    """Trips per distinct hour or day."""
    return f"sum(trips) filter ({condition}) / nullif(count(distinct {exposure}) filter ({condition}), 0)"


OF_HOURS = {
    "trips_per_rain_hour": Expected(_per("hour_utc"), "rain"),
    "trips_per_dry_hour": Expected(_per("hour_utc"), "precipitation_mm = 0"),
    "trips_per_weekday": Expected(_per("date_day"), "not weekend"),
    "trips_per_weekend_day": Expected(_per("date_day"), "weekend"),
    "weekday_vs_weekend_ratio": Expected(
        f"({_per('date_day', 'not weekend')}) / nullif({_per('date_day', 'weekend')}, 0)", "true"
    ),
    "rush_hour_vs_non_rush_ratio": Expected(
        f"({_per('hour_utc', 'rush_hour')}) / nullif({_per('hour_utc', 'not rush_hour')}, 0)", "true"
    ),
}

# MetricFlow's name of what metrics are cut by, and the column above that has it.
COLUMNS = {
    "metric_time__hour": "hour",
    "metric_time__day": "day",
    "metric_time__week": "week",
    "metric_time__month": "month",
    "metric_time__quarter": "quarter",
    "metric_time__year": "year",
    "trip_type": "trip_type",
    "trip__payment_type": "payment_type",
    "trip__member_type": "member_type",
    "trip__rideable_type": "rideable_type",
    "pickup_location__borough": "pickup_borough",
    "dropoff_location__service_zone": "dropoff_service_zone",
    "date__day_name": "weekday",
    "date__is_weekend": "weekend",
    "time__day_part": "part",
    "time__hour_of_day": "o_clock",
    "weather__temperature_category": "temperature",
    "weather__precipitation_type": "precipitation",
    "weather__wind_category": "wind",
}
