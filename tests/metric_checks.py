"""Comparisons of MetricFlow's answers with those by hand, for any warehouse."""

from collections.abc import Sequence

from metric_answers import Metrics, differences
from metric_expectations import COLUMNS, OF_HOURS, OF_TRIPS
from metric_python import growth_metrics, rain_effect, share_of_all_trips

# Two attributes at least, and a grain of time: hour to year.
CUTS_OF_TRIPS: tuple[tuple[str, ...], ...] = (
    ("pickup_location__borough", "trip_type", "metric_time__week"),
    ("weather__temperature_category", "trip__payment_type", "metric_time__month"),
    ("dropoff_location__service_zone", "trip__member_type", "metric_time__quarter"),
    ("time__day_part", "trip__rideable_type", "metric_time__day"),
    ("date__day_name", "weather__precipitation_type", "metric_time__year"),
    ("trip_type", "date__is_weekend", "metric_time__hour"),
)
CUTS_OF_HOURS: tuple[tuple[str, ...], ...] = (
    ("trip_type", "date__day_name", "metric_time__month"),
    ("time__day_part", "weather__wind_category", "metric_time__week"),
    ("weather__temperature_category", "date__is_weekend", "metric_time__hour"),
    ("time__hour_of_day", "trip_type", "metric_time__quarter"),
    ("weather__precipitation_type", "trip_type", "metric_time__day"),
)
CUTS_OF_GROWTH: tuple[tuple[str, ...], ...] = (
    (),
    ("pickup_location__borough", "trip_type"),
    ("weather__temperature_category", "trip__payment_type"),
)


def columns(by: Sequence[str]) -> list[str]:
    return [COLUMNS[name] for name in by]


def check_alone(metrics: Metrics, name: str) -> None:
    """A metric asked alone: as one number, by month, and by the first cut; with the same rows, too."""
    of, table, cuts = (OF_HOURS, "hours", CUTS_OF_HOURS) if name in OF_HOURS else (OF_TRIPS, "trips", CUTS_OF_TRIPS)
    for by in ((), ("metric_time__month",), cuts[0]):
        expected = metrics.expected(of[name].value, table, of[name].where, columns(by))
        found = metrics.ask([name], by)[name]
        assert differences(found, expected) == {}, f"{name} by {by}"


def check_together(metrics: Metrics, by: Sequence[str], *, of_hours: bool = False) -> int:
    """All metrics of a fact in one question; returns how many values were compared."""
    of, table = (OF_HOURS, "hours") if of_hours else (OF_TRIPS, "trips")
    found = metrics.ask(list(of), by)
    compared = 0
    for name, metric in of.items():
        expected = metrics.expected(metric.value, table, metric.where, columns(by))
        assert differences(found[name], expected, of_many=True) == {}, f"{name} by {by}"
        compared += len(expected)
    return compared


def check_rain_effect(metrics: Metrics, by: Sequence[str]) -> None:
    """The effect of rain, against the second implementation."""
    expected = rain_effect(metrics, by)
    assert expected
    assert differences(metrics.ask(["rain_effect_pct"], by)["rain_effect_pct"], expected) == {}


def check_share_of_all_trips(metrics: Metrics, by: Sequence[str]) -> int:
    """Each mode's share, against the second implementation; returns how many of its values are not null."""
    expected = share_of_all_trips(metrics, by)
    assert differences(metrics.ask(["share_of_all_trips_pct"], by)["share_of_all_trips_pct"], expected) == {}
    return sum(value is not None for value in expected.values())


def check_growth(metrics: Metrics, by: Sequence[str], grain: str) -> None:
    """Metrics that look back, against Python."""
    for name, expected in growth_metrics(metrics, by, grain).items():
        found = metrics.ask([name], [f"metric_time__{grain}", *by])[name]
        assert differences(found, expected) == {}, f"{name} by {grain} and {by}"
