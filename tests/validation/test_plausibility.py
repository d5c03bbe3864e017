"""The rule by which months are judged, on profiles written by hand and by what config/plausibility.yml calls usual."""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
import yaml
from fixtures import Ingested
from support import PROJECT

from luigi_pipeline.core.errors import ConfigError
from luigi_pipeline.state.findings import Finding
from luigi_pipeline.validation import judging, plausibility

USUAL = PROJECT / "config" / "plausibility.yml"
ROWS = 10_000
# Two rush hours, and nights.
HOURS = [9, 6, 4, 3, 2, 4, 12, 30, 45, 38, 34, 36, 40, 42, 46, 50, 58, 70, 72, 60, 48, 40, 30, 18]
ZONES = {str(zone): 1 / zone for zone in range(1, 61)}

Row = tuple[str, str, str, str, float, int]
Judge = Callable[[Iterable[Row]], list[Finding]]


@pytest.fixture
def judge() -> Iterator[Judge]:
    """Judge profiles as a validation does."""
    engine = sqlalchemy.create_engine("duckdb:///:memory:", isolation_level="AUTOCOMMIT")
    usual = plausibility.read(USUAL)

    def found(rows: Iterable[Row]) -> list[Finding]:
        with engine.connect() as connection:
            connection.exec_driver_sql("create schema if not exists marts")
            connection.exec_driver_sql(
                "create or replace table marts.month_profiles "
                "(source varchar, source_month varchar, statistic varchar, cut varchar, value double, row_count bigint)"
            )
            for row in rows:
                connection.exec_driver_sql("insert into marts.month_profiles values (?, ?, ?, ?, ?, ?)", row)
        made = judging.find(engine, usual)
        return [Finding(**row, first_seen_at="2024-01-05T10:00:00.000+00:00") for row in made]

    yield found
    engine.dispose()


def months(first: str, number: int) -> list[str]:
    year, month = map(int, first.split("-"))
    return [f"{year + (month - 1 + at) // 12}-{(month - 1 + at) % 12 + 1:02}" for at in range(number)]


def of(statistic: str, values: dict[str, float], source: str = "yellow_taxi", rows: int = ROWS) -> list[Row]:
    return [(source, month, statistic, "", value, rows) for month, value in values.items()]


def cut(statistic: str, month: str, weights: dict[str, float], rows: int = ROWS) -> list[Row]:
    total = sum(weights.values())
    return [("yellow_taxi", month, statistic, name, weight / total, rows) for name, weight in weights.items() if weight]


def by_hour(month: str, later: int = 0, **hours: float) -> list[Row]:
    weights = {str((hour + later) % 24): float(share) for hour, share in enumerate(HOURS)}
    return cut("share_of_trips_by_hour", month, weights | {name.removeprefix("h"): it for name, it in hours.items()})


def test_a_median_far_from_that_of_other_months_is_told_as_people_read_it(judge: Judge) -> None:
    fares = dict.fromkeys(months("2019-06", 12), 11.5) | {"2019-12": 12.0, "2020-02": 11.0, "2020-04": 5.2}
    (found,) = judge(of("median_fare_usd", fares))
    assert found.line == "yellow_taxi 2020-04: median fare 5.20 USD, 7.67 to 17.25 in other months"
    assert (found.rule, found.statistic, found.row_count) == ("comparison", "median_fare_usd", ROWS)


def test_a_bound_holds_alone_and_says_what_is_usual(judge: Judge) -> None:
    (found,) = judge(of("median_fare_usd", {"2020-04": 850.0}))
    assert found.line == "yellow_taxi 2020-04: median fare 850 USD, 4 to 40 is usual"
    assert judge(of("median_fare_usd", {"2020-04": 8.5})) == []


def test_a_month_out_of_bounds_is_no_yardstick_for_the_one_beside_it(judge: Judge) -> None:
    found = judge(of("median_fare_usd", {"2020-03": 11.0, "2020-04": 850.0}))
    assert [(it.source_month, it.rule) for it in found] == [("2020-04", "bounds")]


def test_there_is_silence_where_there_is_too_little_to_compare_with(judge: Judge) -> None:
    far = {"2018-01": 8.0, "2020-04": 16.0}
    assert judge(of("median_fare_usd", far)) == []
    few = dict.fromkeys(months("2019-06", 12), 11.0) | {"2020-04": 5.2}
    assert judge(of("median_fare_usd", few, rows=999)) == []


def test_spread_of_the_other_months_and_their_own_season_are_usual(judge: Judge) -> None:
    """A share of members that swings by the season, and lies as low as this in each January."""
    swings = {month: 0.9 if month[-2:] in ("06", "07", "08") else 0.55 for month in months("2018-01", 36)}
    assert judge(of("share_of_members", swings, "citibike")) == []
    januaries = dict.fromkeys(months("2018-01", 36), 0.9) | {"2018-01": 0.3, "2019-01": 0.31, "2020-01": 0.3}
    assert judge(of("share_of_members", januaries, "citibike")) == []
    exchanged = dict.fromkeys(months("2018-01", 36), 0.9) | {"2019-05": 0.3}
    assert [it.source_month for it in judge(of("share_of_members", exchanged, "citibike"))] == ["2019-05"]


def test_a_share_of_few_rows_may_differ_by_chance(judge: Judge) -> None:
    shares = dict.fromkeys(months("2019-06", 6), 0.001) | {"2019-09": 0.007}
    assert judge(of("share_of_repeated_trips", shares, rows=1000)) == []
    assert len(judge(of("share_of_repeated_trips", shares, rows=100_000))) == 1


@pytest.mark.parametrize("later", [-6, -1, 1, 2, 4, 5])
def test_an_hour_of_day_profile_is_not_to_be_shifted(judge: Judge, later: int) -> None:
    three = months("2024-09", 3)
    (found,) = judge([row for month in three for row in by_hour(month, later if month == "2024-10" else 0)])
    plural, where = ("s" if abs(later) > 1 else ""), ("later" if later > 0 else "earlier")
    assert found.line == (
        f"yellow_taxi 2024-10: share of trips by hour {abs(later)} hour{plural} {where} than in other months"
    )


def test_a_flatter_day_is_no_shifted_one(judge: Judge) -> None:
    """As that of the first lockdown: fewer trips at night and in the evening."""
    weights = {str(hour): share * (0.5 if hour < 6 or hour > 19 else 1.2) for hour, share in enumerate(HOURS)}
    rows = [row for month in ("2020-02", "2020-03", "2020-05") for row in by_hour(month)]
    assert judge([*rows, *cut("share_of_trips_by_hour", "2020-04", weights)]) == []


def test_an_hour_or_a_zone_of_which_all_trips_are_gone_is_told_by_its_name(judge: Judge) -> None:
    (found,) = judge([*by_hour("2024-09"), *by_hour("2024-10", h9=0.0), *by_hour("2024-11")])
    assert found.line == "yellow_taxi 2024-10: share of trips by hour 9: none, 4.77 % in other months"
    statistic = "share_of_trips_by_pickup_zone"
    rows = [row for month in months("2024-09", 3) for row in cut(statistic, month, ZONES)]
    gone = [row for row in rows if (row[1], row[3]) != ("2024-10", "2")]
    (found,) = judge(gone)
    assert (found.source_month, found.cut, found.rule) == ("2024-10", "2", "lost")


def test_zones_exchanged_or_numbered_otherwise_are_told_and_the_worst_is_named(judge: Judge) -> None:
    mirrored = dict(zip(ZONES, reversed(ZONES.values()), strict=True))
    ends = {"share_of_trips_by_pickup_zone": ZONES, "share_of_trips_by_dropoff_zone": mirrored}
    sound = [row for month in ("2024-09", "2024-11") for name, it in ends.items() for row in cut(name, month, it)]
    exchanged = [
        row for name, it in zip(ends, reversed(ends.values()), strict=True) for row in cut(name, "2024-10", it)
    ]
    found = judge([*sound, *exchanged])
    assert {(it.source_month, it.statistic, it.rule) for it in found} == {
        ("2024-10", name, "exchanged".removesuffix("d")) for name in ends
    }
    renumbered = {str((int(zone) + 30) % 60 + 1): share for zone, share in ZONES.items()}
    rows = [row for month in ("2024-09", "2024-11") for row in cut("share_of_trips_by_pickup_zone", month, ZONES)]
    (moved,) = judge([*rows, *cut("share_of_trips_by_pickup_zone", "2024-10", renumbered)])
    assert moved.rule == "moved"
    assert moved.cut in ("1", "32")  # where most of them were, and where they are
    assert "% of all rows are elsewhere" in moved.line


def test_the_file_itself_says_which_bound_applies(judge: Judge) -> None:
    def month(jersey_city: float) -> list[Row]:
        return [
            *of("share_in_jersey_city", {"2016-01": jersey_city}, "citibike"),
            *of("days_without_trips", {"2016-01": 3.0}, "citibike"),
        ]

    assert judge(month(1.0)) == []  # it closed in that month's blizzard
    (found,) = judge(month(0.0))
    assert found.line == "citibike 2016-01: days without trips 3, at most 0 is usual"


def test_a_bound_may_be_of_some_years_and_of_a_month_of_each(judge: Judge) -> None:
    shares = {"2018-11": 0.0, "2019-11": 0.0}
    found = judge(of("share_with_congestion_surcharge", shares))
    assert [it.source_month for it in found] == ["2019-11"]
    degrees = {"2024-01": 24.0, "2024-07": 24.0}
    found = judge(of("median_temperature_celsius", degrees, "weather", rows=744))
    assert [it.source_month for it in found] == ["2024-01"]


def test_known_states_of_the_publishers_are_usual(judge: Judge) -> None:
    """Figures that were published of whole months."""
    rows = [
        *of("share_of_trips_on_whole_minutes", {"2015-01": 1.0}, "citibike"),
        *of("share_with_other_duration", {"2015-01": 0.0}, "citibike"),
        *of("share_of_members", {"2021-03": 0.119, "2015-02": 0.989}, "citibike"),
        *of("share_of_electric_bikes", {"2020-01": 406 / 1_240_727}, "citibike"),
        *of("share_without_kind_of_bike", {"2020-01": 0.0}, "citibike"),
        *of("median_minutes", {"2020-05": 25.0}, "citibike"),
        *of("share_of_repeated_trips", {"2010-03": 0.0116}),
        *of("share_without_store_and_forward_flag", {"2011-05": 0.491}),
        *of("share_with_improvement_surcharge", {"2014-05": 0.0}),
        *of("share_of_pickups_in_unknown_zone", {"2020-10": 0.0091}),
        *of("correlation_of_tip_and_fare", {"2021-03": 0.04}),
        *of("share_without_passenger_count", {"2021-01": 0.48, "2025-02": 0.225}),
        *of("share_with_fare_above_meter", {"2021-01": 0.243}),
        *of("share_of_suspect_trips", {"2026-01": 0.028}),
        *of("median_precipitation_of_wet_hours_mm", {"2024-10": 0.1}, "weather", rows=11),
        *of("share_of_wet_hours", {"2024-10": 0.0}, "weather", rows=744),
    ]
    assert judge(rows) == []


def test_a_kind_of_bike_that_comes_or_goes_for_good_is_usual(judge: Judge) -> None:
    """As in the files: docked_bike alone to May 2021, later classic and electric bikes, no docked ones in the end."""

    def kinds(month: str) -> list[str]:
        came = {"docked_bike": "2021-02", "classic_bike": "2021-06", "electric_bike": "2021-12"}
        there = [kind for kind, since in came.items() if month >= since]
        return [kind for kind in there if kind != "docked_bike" or month < "2023-09"]

    rows = [
        ("citibike", month, "share_of_trips_by_kind_of_bike", kind, 1 / len(kinds(month)), ROWS)
        for month in months("2021-02", 36)
        for kind in kinds(month)
    ]
    assert judge(rows) == []
    lost = [row for row in rows if row[1] != "2022-06" or row[3] != "electric_bike"]
    assert [(it.source_month, it.cut) for it in judge(lost)] == [("2022-06", "electric_bike")]


def test_an_hour_of_no_degrees_is_no_hour_that_was_lost(judge: Judge) -> None:
    temperatures = dict.fromkeys(months("2023-11", 4), 5.0) | {"2024-01": 0.0}
    rows = [
        ("weather", month, "median_temperature_by_hour_celsius", str(hour), degrees, 31)
        for month, degrees in temperatures.items()
        for hour in range(24)
    ]
    assert judge([*rows, *(("weather", month, "median_wind_speed_mps", "", 4.0, 744) for month in temperatures)]) == []


def test_a_measure_that_the_archive_has_from_a_month_on_is_usual(judge: Judge) -> None:
    """But not one that it has for the months around."""

    def rain(lost: str) -> list[Row]:
        return [
            ("weather", month, "share_of_hours_without_value", "rain", float(month in lost or month < "2024-01"), 744)
            for month in months("2023-01", 24)
        ]

    assert judge(rain(lost="")) == []
    assert [it.source_month for it in judge(rain(lost="2024-06"))] == ["2024-06"]


def test_the_rides_of_a_lockdown_are_usual_beside_two_months_before_it(judge: Judge) -> None:
    """They take twice and more as long, slower, and end where they began: means went from 9.5 to 24.6 minutes."""
    before, lockdown = ("2020-02", "2020-03"), "2020-04"
    for statistic, usual, then in (
        ("median_minutes", 5.4, 14.0),
        ("median_mph", 6.2, 4.1),
        ("share_of_round_trips", 0.03, 0.28),
    ):
        values = dict.fromkeys(before, usual) | {lockdown: then}
        assert judge(of(statistic, values, "citibike")) == []


def test_each_statistic_that_is_judged_is_one_that_months_have(published: Ingested) -> None:
    import duckdb

    with duckdb.connect(str(published.data.warehouse), read_only=True) as connection:
        query = "select distinct source || ' ' || statistic from marts.month_profiles"
        made = {name for (name,) in connection.execute(query).fetchall()}
    # The sample has no file in the legacy layout, which alone gives durations.
    asked = {f"{source} {item.statistic}" for item in plausibility.read(USUAL).statistics for source in item.source}
    assert asked - made == {"citibike share_with_other_duration"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda it: it["statistics"][0].update(ratoi=2), "unknown key statistics.trips.ratoi"),
        (lambda it: it["statistics"][1].pop("why"), "missing key statistics.days_without_trips.why"),
        (
            lambda it: it["statistics"][1]["bounds"][0].update({"from": "spring"}),
            "statistics.days_without_trips.bounds",
        ),
        (
            lambda it: it["statistics"][1]["bounds"][0].update({"to": "3024-09"}),
            """statistics.days_without_trips.bounds[0].to: '3024-09' is not a month; write it as "2024-09\"""",
        ),
        (lambda it: it["statistics"].append(it["statistics"][0]), "trips of yellow_taxi is there twice"),
        (lambda it: it["rule"].update(least_trips=20), "rule.least_trips"),
        (lambda it: it["statistics"][0].pop("compared"), "statistics.trips: needs bounds, or compared"),
    ],
)
def test_a_wrong_entry_is_told_in_one_line_by_its_name(tmp_path: Path, change: Callable[[Any], Any], told: str) -> None:
    content = yaml.safe_load(USUAL.read_text(encoding="utf-8"))
    change(content)
    path = tmp_path / "plausibility.yml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(ConfigError, match=re.escape(told)) as raised:
        plausibility.read(path)
    assert "\n" not in str(raised.value)
