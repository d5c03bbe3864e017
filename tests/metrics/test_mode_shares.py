"""Modes are compared over days that they cover: every share, at every cut, equals a second implementation."""

from collections.abc import Callable, Iterator

import pytest
from constellations import CONSTELLATIONS, Published
from metric_answers import Metrics, differences, opened
from metric_checks import CUTS_OF_TRIPS, check_share_of_all_trips, columns
from metric_expectations import OF_TRIPS
from metric_python import share_of_all_trips

from luigi_pipeline import metrics as published_metrics

_SHARES = ["yellow_taxi_mode_share_pct", "citibike_mode_share_pct"]
_CUTS = [
    (),
    ("trip_type",),
    ("metric_time__month",),
    ("metric_time__week", "trip_type"),
    ("trip_type", "metric_time__day"),
    *CUTS_OF_TRIPS,
]
_COMMON_DAYS = {"different months": 30, "one mode": 30, "a partly covered month": 15, "no common day": 0}


@pytest.fixture(scope="module", params=CONSTELLATIONS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def made(name: str, constellation: Callable[[str], Published]) -> Published:
    return constellation(name)


@pytest.fixture(scope="module")
def metrics(made: Published) -> Iterator[Metrics]:
    with opened(made.data.warehouse, made.data.dbt / "target" / "semantic_manifest.json", made.lost) as metrics:
        yield metrics


@pytest.mark.parametrize("share", _SHARES)
@pytest.mark.parametrize("by", _CUTS, ids=" ".join)
def test_a_share_among_two_modes_is_over_days_that_both_cover(
    metrics: Metrics, name: str, share: str, by: tuple[str, ...]
) -> None:
    expected = metrics.expected(OF_TRIPS[share].value, "trips", OF_TRIPS[share].where, columns(by))
    found = metrics.ask([share], by)[share]
    assert differences(found, expected, of_many=not by) == {}
    has_both = name in ("different months", "a partly covered month")
    assert bool({value for value in found.values() if value is not None}) is has_both


@pytest.mark.parametrize("by", _CUTS, ids=" ".join)
def test_a_share_of_all_trips_is_over_days_that_all_modes_cover(
    metrics: Metrics, name: str, by: tuple[str, ...]
) -> None:
    assert (check_share_of_all_trips(metrics, by) > 0) is (_COMMON_DAYS[name] > 0)


def test_without_a_common_day_a_share_is_null_beside_counts_that_are_there(metrics: Metrics, name: str) -> None:
    asked = ["total_trips", "share_of_all_trips_pct", *_SHARES]
    found = metrics.ask(asked, ["metric_time__month", "trip_type"])
    for key, trips in found["total_trips"].items():
        is_common = bool(_COMMON_DAYS[name]) and key[0].month == 11
        assert trips > 0
        assert (found["share_of_all_trips_pct"][key] is not None) is is_common


@pytest.mark.parametrize("by", [("trip_type",), ("trip_type", "trip_date__week"), ("pickup_borough", "trip_type")])
def test_shares_asked_by_name_are_the_same(metrics: Metrics, made: Published, by: tuple[str, ...]) -> None:
    names = {"trip_date__week": "metric_time__week", "pickup_borough": "pickup_location__borough"}
    expected = share_of_all_trips(metrics, [names.get(part, part) for part in by])
    answer = published_metrics.query("share_of_all_trips_pct", by, data_dir=made.data.root)
    found = {row[:-1]: row[-1] for row in zip(*(column.to_pylist() for column in answer.columns), strict=True)}
    assert differences(found, expected) == {}


def test_a_filter_on_a_mode_leaves_its_share_of_all(metrics: Metrics, made: Published) -> None:
    for (mode,), share in share_of_all_trips(metrics, ["trip_type"]).items():
        where = f"trip_type = '{mode}'"
        answer = published_metrics.query("share_of_all_trips_pct", where=where, data_dir=made.data.root)
        assert answer.to_pylist() == [{"share_of_all_trips_pct": pytest.approx(share, rel=1e-11)}]


@pytest.mark.parametrize(
    ("by", "where", "table"),
    [
        (["metric_time__month", "trip_type", "pickup_location__zone_name"], None, "compared_pickups"),
        (["dropoff_location__borough"], "{{ Entity('trip_type') }} = 'citibike'", "compared_dropoffs"),
        (["weather__temperature_category", "trip_type"], "{{ Dimension('date__is_weekend') }}", "compared_pickups"),
        (["pickup_location__borough", "dropoff_location__borough", "trip_type"], None, "compared_trips"),
        (["trip__payment_type", "trip_type"], None, "compared_trips"),
    ],
    ids=str,
)
@pytest.mark.parametrize("beside", [[], ["total_trips", "citibike_mode_share_pct"]], ids=["alone", "with others"])
def test_shares_are_the_same_with_sums_made_early(
    metrics: Metrics, by: list[str], where: str | None, table: str, beside: list[str]
) -> None:
    question = {"metric_names": ["share_of_all_trips_pct", *beside], "group_by_names": by}
    early, plain, sql = metrics.both_ways(metrics.sql(**question, where_constraints=[where] if where else None))
    assert early == plain
    assert table in sql


def test_days_are_covered_as_the_loaded_months_say(metrics: Metrics, name: str) -> None:
    common = "select count(distinct date_day) from nyc_mobility.marts.covered_days where is_covered_by_all_modes"
    assert metrics.select(common) == [(_COMMON_DAYS[name],)]
    days = "select count(*) from nyc_mobility.marts.dim_date where is_covered_by_all_modes"
    assert metrics.select(days) == [(_COMMON_DAYS[name],)]


def test_the_share_of_an_hour_is_there_on_days_that_all_modes_cover(metrics: Metrics, name: str) -> None:
    differing = metrics.select(
        """
        with counted as (
            select trip_type, pickup_hour_utc as hour_utc, count(*) as trips, any_value(all_cover) as all_cover
            from trips where counts group by 1, 2
        ),
        shared as (
            select *, 100.0 * trips / sum(trips) over (partition by hour_utc) as share from counted
        )
        select * from nyc_mobility.marts.fct_hourly_mobility as hours
        left join shared using (trip_type, hour_utc)
        where abs(coalesce(share_of_hour_pct, -1) - case
            when all_cover then share
            when share_of_hour_pct is not null then 0
            else -1
        end) > 1e-9
        """
    )
    assert differing == []
    (shared,) = metrics.select("select count(share_of_hour_pct) from nyc_mobility.marts.fct_hourly_mobility")
    assert (shared[0] > 0) is (_COMMON_DAYS[name] > 0)
