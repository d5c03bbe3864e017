"""Every metric, as MetricFlow answers it, equals SQL on the facts that is written by hand."""

import datetime as dt
from collections.abc import Callable, Iterator

import pytest
from constellations import Published
from metric_answers import Metrics, opened
from metric_checks import (
    CUTS_OF_GROWTH,
    CUTS_OF_HOURS,
    CUTS_OF_TRIPS,
    check_alone,
    check_growth,
    check_rain_effect,
    check_together,
)
from metric_expectations import ALL, GROUPS, OF_HOURS, OF_TRIPS


@pytest.fixture(scope="module")
def metrics(constellation: Callable[[str], Published]) -> Iterator[Metrics]:
    """The metrics of a sample with gaps: months of one mode, of none, and without weather."""
    data = constellation("different months").data
    with opened(data.warehouse, data.dbt / "target" / "semantic_manifest.json") as metrics:
        yield metrics


@pytest.mark.parametrize("name", [*OF_TRIPS, *OF_HOURS])
def test_a_metric_asked_alone(metrics: Metrics, name: str) -> None:
    check_alone(metrics, name)


@pytest.mark.parametrize("by", CUTS_OF_TRIPS, ids=" ".join)
def test_metrics_of_trips_asked_together(metrics: Metrics, by: tuple[str, ...]) -> None:
    assert check_together(metrics, by) > 500


@pytest.mark.parametrize("by", CUTS_OF_HOURS, ids=" ".join)
def test_metrics_of_hours_asked_together(metrics: Metrics, by: tuple[str, ...]) -> None:
    assert check_together(metrics, by, of_hours=True) > 50


@pytest.mark.parametrize("by", [(), *CUTS_OF_HOURS], ids=" ".join)
def test_the_effect_of_rain_equals_a_second_implementation(metrics: Metrics, by: tuple[str, ...]) -> None:
    check_rain_effect(metrics, by)


@pytest.mark.parametrize("grain", ["hour", "day", "week", "month", "quarter", "year"])
@pytest.mark.parametrize("by", CUTS_OF_GROWTH, ids=" ".join)
def test_metrics_that_look_back(metrics: Metrics, by: tuple[str, ...], grain: str) -> None:
    check_growth(metrics, by, grain)


@pytest.mark.parametrize("name", ["cumulative_trips", "trips_7d_rolling", "trips_month_to_date"])
@pytest.mark.parametrize(
    ("by", "where"),
    [
        (["metric_time__hour"], None),
        (["metric_time__hour", "pickup_location__zone_name"], None),
        (["metric_time__day", "pickup_location", "dropoff_location__borough"], "{{ Dimension('date__is_weekend') }}"),
        (["metric_time__week", "weather__temperature_category", "trip__payment_type"], None),
        (["metric_time__day", "trip__trip_date__day"], "{{ TimeDimension('metric_time', 'month') }} > '2024-03-01'"),
        (["metric_time__day"], "{{ Dimension('trip__payment_type') }} = 'no such'"),
        (
            ["metric_time__month", "trip_type"],
            "{{ Entity('trip_type') }} = 'citibike' or {{ TimeDimension('metric_time', 'day') }} < '2024-11-05'",
        ),
    ],
    ids=str,
)
def test_running_totals_over_gaps_are_the_same_as_levels(
    metrics: Metrics, name: str, by: list[str], where: str | None
) -> None:
    by_hour = "_by_hour" if by[0] == "metric_time__hour" else ""
    question = {"metric_names": [name + by_hour], "group_by_names": by}
    early, plain, sql = metrics.both_ways(metrics.sql(**question, where_constraints=[where] if where else None))
    assert early == plain
    assert len(early) > 1 or "no such" in str(where)
    assert "OVER along" in sql


@pytest.mark.parametrize("group", ["Core", "Mode", "Weather", "Time", "Quality"])
@pytest.mark.parametrize(
    ("by", "where"),
    [
        (["metric_time__hour", "pickup_location__zone_name"], None),
        (["weather__temperature_category", "date__holiday_name", "metric_time__week"], None),
        (["dropoff_location__borough", "pickup_location__is_airport"], "{{ Dimension('date__is_weekend') }}"),
        (["metric_time__year", "trip_type"], "{{ Dimension('pickup_location__borough') }} is null"),
        ([], "{{ TimeDimension('metric_time', 'month') }} = '2024-04-01'"),
    ],
    ids=str,
)
def test_metrics_asked_together_over_gaps_are_the_same_with_sums_made_early(
    metrics: Metrics, group: str, by: list[str], where: str | None
) -> None:
    names = [name for name in GROUPS[group] if name in OF_TRIPS]
    question = {"metric_names": names, "group_by_names": by or None}
    early, plain, _ = metrics.both_ways(metrics.sql(**question, where_constraints=[where] if where else None))
    assert early == plain
    assert len(early) > 0


def test_a_running_total_of_what_is_not_known_is_null_and_not_zero(metrics: Metrics) -> None:
    question = {"metric_names": ["trips_7d_rolling"], "group_by_names": ["metric_time__day", "trip_type"]}
    charged = metrics.sql(**question).replace("trips AS __trip_count", "total_amount AS __trip_count")
    early, plain, sql = metrics.both_ways(charged)
    assert early == plain
    assert sum("'citibike', None" in row for row in early) > 60
    assert sum("'yellow_taxi', Decimal" in row for row in early) > 60
    assert "OVER along" in sql


def test_a_month_that_is_not_loaded_is_absent_and_one_without_such_trips_is_zero(metrics: Metrics) -> None:
    def by_month(name: str) -> dict[int, object]:
        return {key[0].month: value for key, value in metrics.ask([name], ["metric_time__month"])[name].items()}

    loaded, with_strays = {3, 11, 12}, {2, 4, 10, 1}
    assert loaded <= set(by_month("total_trips")) <= loaded | with_strays
    assert {3, 11} <= set(by_month("yellow_taxi_trips")) <= {3, 11, 12} | with_strays
    bikes = by_month("citibike_trips")
    assert {11, 12} <= set(bikes) <= {11, 12} | with_strays
    assert 3 not in bikes, "absent, though the month has taxi trips"
    cold, hot = by_month("trips_in_cold_weather"), by_month("trips_in_hot_weather")
    assert cold[12]
    assert hot[11] == hot[12] == 0, "loaded, and none"
    assert cold[3] is hot[3] is None, "no weather: nobody knows"


def test_every_attribute_splits_trips_without_losing_any(metrics: Metrics) -> None:
    from metricflow.engine.models import Dimension

    total = metrics.ask(["total_trips"])["total_trips"][()]
    attributes = [
        item.granularity_free_dunder_name if isinstance(item, Dimension) else item.name
        for item in metrics.engine.list_group_bys(["total_trips"])
    ]
    assert len(attributes) > 60
    for name in attributes:
        assert sum(metrics.ask(["total_trips"], [name])["total_trips"].values()) == total, name


def test_the_hour_that_occurs_twice_is_one_of_the_clock_and_two_of_exposure(metrics: Metrics) -> None:
    at_one = "{{ TimeDimension('metric_time', 'hour') }} = '2024-11-03 01:00:00'"
    names = ["part_covered_trips", "part_covered_hours", "total_trips"]
    found = metrics.ask(names, ["metric_time__hour"], at_one)
    key = (dt.datetime(2024, 11, 3, 1),)
    assert found["part_covered_hours"] == {key: 2}
    assert found["part_covered_trips"][key] == found["total_trips"][key] > 0
    in_utc = metrics.ask(["part_covered_hours"], ["weather__hour_utc__hour"], at_one)["part_covered_hours"]
    assert in_utc == {(dt.datetime(2024, 11, 3, 5),): 1, (dt.datetime(2024, 11, 3, 6),): 1}


def test_weeks_start_on_monday(metrics: Metrics) -> None:
    weeks = metrics.ask(["total_trips"], ["metric_time__week"])["total_trips"]
    assert {week.isoweekday() for (week,) in weeks} == {1}


def test_the_time_spine_follows_the_loaded_months(metrics: Metrics) -> None:
    days = {day for (day,) in metrics.select("select spine_day from nyc_mobility.marts.time_spine_days")}
    loaded = {dt.datetime(2024, 1, 1) + dt.timedelta(days=number) for number in range(366)}
    loaded = {day for day in loaded if day.month in (3, 11, 12)}
    with_strays = {day for (day,) in metrics.select("select distinct day from trips where counts")}
    assert days == loaded | with_strays
    (hours,) = metrics.select(
        "select count(*), min(spine_hour)::date, max(spine_hour)::date from nyc_mobility.marts.time_spine_hours"
    )
    assert hours[0] == len(loaded) * 24 - 1 + len(
        metrics.select("select distinct hour from trips where counts and month(day) not in (3, 11, 12)")
    ), "02:00 is missing in March, 01:00 is once in November"


def test_metrics_of_both_facts_can_be_asked_together(metrics: Metrics) -> None:
    found = metrics.ask(["total_trips", "trips_per_weekday", "rain_effect_pct"], ["trip_type", "metric_time__month"])
    assert found["total_trips"]["citibike", dt.datetime(2024, 11, 1)] > 0
    assert found["trips_per_weekday"]["citibike", dt.datetime(2024, 11, 1)] > 0
    assert found["rain_effect_pct"]["citibike", dt.datetime(2024, 11, 1)]


def test_saved_queries_have_answers(metrics: Metrics) -> None:
    for query in metrics.manifest["saved_queries"]:
        assert metrics.select(metrics.sql(saved_query_name=query["name"])), query["name"]


def cuts(metrics: Metrics, name: str) -> set[str]:
    """What a metric can be cut by, without times."""
    from metricflow.engine.models import Dimension

    found = metrics.engine.list_group_bys([name])
    return {item.granularity_free_dunder_name if isinstance(item, Dimension) else item.name for item in found}


def attributes(metrics: Metrics, table: str, entity: str) -> set[str]:
    """The names that a dimension's columns have for MetricFlow; month, quarter and year it keeps for grains."""
    columns = metrics.select(
        f"select column_name from duckdb_columns() where schema_name = 'marts' and table_name = '{table}'"
    )
    other = {"month": "month_of_year", "quarter": "quarter_of_year", "year": "calendar_year"}
    return {f"{entity}__{other.get(column, column)}" for (column,) in columns}


def test_metrics_can_be_cut_by_what_they_are_published_with(metrics: Metrics) -> None:
    hourly = {
        *attributes(metrics, "dim_date", "date"),
        *attributes(metrics, "dim_time", "time"),
        *attributes(metrics, "dim_weather", "weather"),
        "trip_type",
        "metric_time",
    }
    places = {
        *attributes(metrics, "dim_location", "pickup_location"),
        *attributes(metrics, "dim_location", "dropoff_location"),
    }
    of_trips = {"trip__payment_type", "trip__member_type", "trip__rideable_type"}
    assert len(hourly) > 40
    for name in ALL:
        found = cuts(metrics, name)
        assert hourly <= found, name
        if name in (*OF_HOURS, "rain_effect_pct"):
            assert not found & (places | of_trips), f"{name} has no places, payments or riders"
        else:
            assert places | of_trips <= found, name
