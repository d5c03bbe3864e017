"""Names as people use them, and filters made of them."""

import pytest

from luigi_pipeline.core.errors import QueryError, UnknownName
from luigi_pipeline.metrics import filters, names
from luigi_pipeline.metrics.names import Attribute

ATTRIBUTES = [
    Attribute("dropoff_location", "entity"),
    Attribute("dropoff_location__borough", "categorical"),
    Attribute("metric_time", "time"),
    Attribute("pickup_location", "entity"),
    Attribute("pickup_location__borough", "categorical"),
    Attribute("pickup_location__zone_name", "categorical"),
    Attribute("trip__trip_date", "time"),
    Attribute("trip__trip_type", "categorical"),
    Attribute("trip__weather__temperature_category", "categorical"),
    Attribute("weather__temperature_category", "categorical"),
    Attribute("weather__observed_at", "time"),
    Attribute("date__date_day", "time", grain="day"),
]


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("pickup_location__borough", "pickup_location__borough"),
        ("pickup_borough", "pickup_location__borough"),
        ("Pickup_Borough", "pickup_location__borough"),
        ("pickup_location_borough", "pickup_location__borough"),
        ("zone_name", "pickup_location__zone_name"),
        ("trip_type", "trip__trip_type"),
        ("temperature_category", "weather__temperature_category"),
        ("pickup_location", "pickup_location"),
        ("trip_date__week", "metric_time__week"),
        ("trip_date", "metric_time__day"),
        ("metric_time__month", "metric_time__month"),
        ("trip__trip_date__week", "trip__trip_date__week"),
        ("observed_at__hour", "weather__observed_at__hour"),
    ],
)
def test_a_unique_end_of_a_name_will_do(asked: str, meant: str) -> None:
    cut = names.resolve(asked, ATTRIBUTES)
    assert (cut.name, cut.asked) == (meant, asked)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("borough", "borough may be dropoff_location__borough or pickup_location__borough; say which"),
        ("pickup_boro", "the nearest are pickup_borough, pickup, dropoff_borough"),
        ("orough", "there is no dimension orough"),
        (
            "trip_date__fortnight",
            "trip_date__fortnight: there is no grain fortnight; the grains are hour, day, week, month, ",
        ),
        ("trip_type__week", "trip__trip_type is not a time and has no grain"),
        ("date_day__hour", "date_day__hour: its finest grain is day"),
    ],
)
def test_a_name_that_means_nothing_or_too_much_is_refused(asked: str, told: str) -> None:
    with pytest.raises(UnknownName) as refused:
        names.resolve(asked, ATTRIBUTES)
    assert told in str(refused.value)


def test_the_shortest_names_mean_what_they_are_short_for() -> None:
    short = {attribute.name: names.short_name(attribute, ATTRIBUTES) for attribute in ATTRIBUTES}
    assert short["pickup_location__borough"] == "pickup_borough"
    assert short["weather__temperature_category"] == "temperature_category"
    assert short["metric_time"] == "trip_date"
    for attribute in ATTRIBUTES:
        assert names.resolve(short[attribute.name], ATTRIBUTES).attribute == attribute


@pytest.mark.parametrize(
    ("where", "rewritten"),
    [
        ("temperature_category = 'cold'", "{{ Dimension('weather__temperature_category') }} = 'cold'"),
        (
            "pickup_borough in ('trip_type', 'it''s') -- trip_type\n and trip_date__month>='2024-10-01'",
            "{{ Dimension('pickup_location__borough') }} in ('trip_type', 'it''s') -- trip_type\n"
            " and {{ TimeDimension('metric_time', 'month') }}>='2024-10-01'",
        ),
        ("lower(trip_type) like '%bike'", "lower({{ Dimension('trip__trip_type') }}) like '%bike'"),
        ('"trip_type" is null', "{{ Dimension('trip__trip_type') }} is null"),
        ("pickup_location between 1 and 3", "{{ Entity('pickup_location') }} between 1 and 3"),
        ("zone_name <> '{% x %}'", "{{ Dimension('pickup_location__zone_name') }} <> '{{ '{%' }} x %}'"),
        ("{{ Dimension('trip__trip_type') }} = 'a'", "{{ Dimension('trip__trip_type') }} = 'a'"),
        ("not (zone_name = 'é' or trip_type = 'b')",
         "not ({{ Dimension('pickup_location__zone_name') }} = 'é' or {{ Dimension('trip__trip_type') }} = 'b')"),
    ],
)  # fmt: skip
def test_a_filter_keeps_all_but_the_names(where: str, rewritten: str) -> None:
    assert filters.rewrite(where, ATTRIBUTES, ["total_trips"]) == rewritten


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ('trip_type = "citibike"', "there is no dimension citibike"),
        ("total_trips > 3", "total_trips is a metric"),
        ("trip_type = 'citibike", "is not a condition in SQL"),
        ("trip_type = 'a' trip_type", "is not a condition in SQL"),
        ("fct_trips.trip_type = 'a'", "is not a name"),
        ("", "is not a condition in SQL"),
    ],
)
def test_a_filter_that_is_none_is_refused_in_one_line(where: str, told: str) -> None:
    with pytest.raises(QueryError) as refused:
        filters.rewrite(where, ATTRIBUTES, ["total_trips"])
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "\x1b" not in str(refused.value)
