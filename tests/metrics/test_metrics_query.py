"""Metrics asked from Python: right, never stale, and in nobody's way."""

import datetime as dt
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from fixtures import Ingested, Row, Rows
from support import environment, program

from luigi_pipeline import metrics
from luigi_pipeline.config.settings import Warehouse
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.errors import QueryError, UnknownName, WarehouseError
from luigi_pipeline.metrics import reading, rewrite
from luigi_pipeline.metrics.reading import Version
from luigi_pipeline.warehouse import database
from luigi_pipeline.warehouse.publishing import publish

BothWays = Callable[..., tuple[list[str], list[str], str]]
COUNTED = "not is_voided and not is_suspect"


def asked(table: pa.Table) -> list[Row]:
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


@pytest.fixture(scope="module")
def data_dir(published: Ingested) -> Path:
    root: Path = published.data.root
    return root


def test_metrics_of_two_dimensions_and_a_filter_are_what_sql_counts(data_dir: Path, rows: Rows) -> None:
    table = metrics.query(
        ["total_trips", "citibike_mode_share_pct"],
        by=["pickup_borough", "trip_date__week"],
        where="temperature_category = 'cold'",
        data_dir=data_dir,
    )
    assert table.schema.names == ["pickup_borough", "trip_date__week", "total_trips", "citibike_mode_share_pct"]
    assert table.schema.field("total_trips").type == pa.int64()
    expected = rows(
        DataDir(data_dir).published,
        f"""
        select borough, date_trunc('week', pickup_at_nyc), count(*), 100.0 * avg((trip_type = 'citibike')::int)
        from marts.fct_trips
        left join marts.dim_location on pickup_location_id = location_id
        left join marts.dim_weather on pickup_hour_utc = hour_utc
        where {COUNTED} and temperature_category = 'cold'
        group by 1, 2 order by 1 nulls last, 2
        """,
    )
    assert len(expected) > 5
    answered = asked(table)
    assert [row[:3] for row in answered] == [row[:3] for row in expected]
    assert [row[3] for row in answered] == pytest.approx([row[3] for row in expected])


def test_days_given_as_start_and_end_are_both_counted_whole(data_dir: Path, rows: Rows) -> None:
    table = metrics.query(
        "total_trips", by="trip_date__hour", start="2024-11-03", end=dt.date(2024, 11, 3), data_dir=data_dir
    )
    expected = rows(
        DataDir(data_dir).published,
        f"select date_trunc('hour', pickup_at_nyc), count(*) from marts.fct_trips "
        f"where {COUNTED} and pickup_at_nyc::date = '2024-11-03' group by 1 order by 1",
    )
    assert [row for row in asked(table) if row[1]] == expected
    until = metrics.query("total_trips", start="2024-11-03", end="2024-11-03T11:59", data_dir=data_dir)
    assert asked(until) == [(sum(count for hour, count in expected if hour.hour < 12),)]


def test_rows_come_in_the_order_asked_for_and_else_in_that_of_what_they_are_cut_by(data_dir: Path) -> None:
    by_name = asked(metrics.query("total_trips", by="pickup_borough", data_dir=data_dir))
    assert by_name == sorted(by_name, key=lambda row: (row[0] is None, row[0]))
    most = asked(metrics.query("total_trips", by="pickup_borough", order_by="-total_trips", limit=2, data_dir=data_dir))
    assert most == sorted(by_name, key=lambda row: -row[1])[:2]
    none = metrics.query("total_trips", by="pickup_borough", limit=0, data_dir=data_dir)
    assert (none.num_rows, none.schema.names) == (0, ["pickup_borough", "total_trips"])
    least = metrics.query("total_trips", by="pickup_borough", order_by=["total_trips"], limit=1, data_dir=data_dir)
    assert asked(least)[0][1] == min(count for _, count in by_name)


@pytest.mark.parametrize(
    ("question", "error", "told"),
    [
        ({"metrics": "total_trip"}, UnknownName, "there is no metric total_trip; the nearest are total_trips, "),
        ({"metrics": "total_trips", "by": "pickup_boro"}, UnknownName, "total_trips: there is no dimension"),
        (
            {"metrics": "rain_effect_pct", "by": "pickup_borough"},
            UnknownName,
            "rain_effect_pct can't be grouped by pickup_",
        ),
        ({"metrics": "total_trips", "where": "tempo = 1"}, UnknownName, "where: there is no dimension tempo"),
        ({"metrics": "total_trips", "order_by": "total_revenue"}, UnknownName, "order by: total_revenue is not asked"),
        ({"metrics": "total_trips", "where": "trip_type > 3"}, QueryError, "Cannot compare values of type VARCHAR"),
        ({"metrics": "total_trips", "start": "yesterday"}, QueryError, "'yesterday' is no moment"),
        ({"metrics": "trips_mom_growth_pct", "by": "trip_type"}, QueryError, "has to be grouped by time"),
        ({"metrics": "trips_7d_rolling"}, QueryError, "has to be grouped by time"),
        (
            {"metrics": ["total_trips", "trips_mom_growth_pct"], "by": "trip_date__week"},
            QueryError,
            "trips_mom_growth_pct can't be grouped by week: no week begins 1 month after another; group it by hour",
        ),
        ({"metrics": "trips_wow_growth_pct", "by": "trip_date__year"}, QueryError, "group it by hour, day or week"),
        ({"metrics": "total_trips", "where": "{{ Dimension(' }} = 1"}, QueryError, "Error parsing where filter"),
        ({"metrics": []}, QueryError, "no metric is asked for"),
        ({"metrics": "total_trips", "limit": -1}, QueryError, "The limit -1 is not >= 0."),
    ],
)
def test_a_question_that_can_t_be_answered_gets_one_line(
    data_dir: Path, question: dict[str, Any], error: type[Exception], told: str
) -> None:
    with pytest.raises(error) as refused:
        metrics.query(**question, data_dir=data_dir)
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.fixture
def both_ways(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> BothWays:
    """Ask with sums made early, and as MetricFlow makes them: the rows of both, and the SQL of the first."""

    def ask(question: list[str], **cut: Any) -> tuple[list[str], list[str], str]:
        made: list[str] = []
        with monkeypatch.context() as patch:
            run = Version.run

            def noting(version: Version, sql: str) -> pa.Table:
                made.append(sql)
                return run(version, sql)

            patch.setattr(Version, "run", noting)
            early = asked(metrics.query(question, data_dir=data_dir, **cut))
            patch.setattr(rewrite, "make_quick", lambda sql, tables: sql)
            plain = asked(metrics.query(question, data_dir=data_dir, **cut))
        assert "GROUP BY ALL" not in made[1]
        return sorted(map(str, early)), sorted(map(str, plain)), made[0]

    return ask


@pytest.mark.parametrize(
    ("by", "where"),
    [
        (["trip_date"], "pickup_borough = 'Queens' and trip_date__month > '2024-10-01'"),
        (["trip_date__day", "pickup_borough"], ()),
        (["trip_date__week", "trip_type", "temperature_category"], "trip_type = 'citibike'"),
        (["trip_date__hour", "trip_type"], "trip_date__month = '2024-10-01'"),
    ],
)
def test_running_totals_are_the_same_with_sums_made_early(both_ways: BothWays, by: list[str], where: str) -> None:
    question = ["cumulative_trips", "trips_7d_rolling", "trips_month_to_date", "trips_wow_growth_pct", "total_trips"]
    early, plain, sql = both_ways(question, by=by, where=where)
    assert early == plain
    assert len(early) > 1
    assert "GROUP BY ALL" in sql
    assert "pickup_sums" in sql
    assert "classified_trips" not in sql


@pytest.mark.parametrize("name", ["cumulative_trips", "trips_7d_rolling", "trips_month_to_date"])
@pytest.mark.parametrize("by", [[], ["pickup_borough"], ["temperature_category", "pickup_borough", "member_type"]])
def test_a_running_total_asked_alone_adds_up_before_it_meets_the_time_spine(
    both_ways: BothWays, name: str, by: list[str]
) -> None:
    early, plain, sql = both_ways([name], by=["trip_date__hour", *by], where="trip_type = 'yellow_taxi'")
    assert early == plain
    assert len(early) > 24
    added, _, joined = sql.partition("GROUP BY ALL")
    assert "pickup_sums" in added
    assert "dim_" not in joined, "looked up before, by trips and not by totals"
    assert "OVER along" in joined, "and added up along the time spine, which is joined with as many rows as it has"


@pytest.mark.parametrize("group", ["Core", "Mode", "Weather", "Time", "Quality"])
def test_metrics_asked_together_are_the_same_with_sums_made_early(
    both_ways: BothWays, group: str, data_dir: Path
) -> None:
    question = [metric.name for metric in metrics.list_metrics(data_dir) if metric.group == group]
    early, plain, sql = both_ways(question, by=["trip_type", "temperature_category", "trip_date__month"])
    assert early == plain
    assert len(early) > 10
    assert "pickup_hour_nyc" not in sql, "months are made of days"
    assert "_sums" in sql.partition("GROUP BY ALL")[0]


def test_whatever_trips_are_cut_by_they_are_the_same_with_sums_made_early(both_ways: BothWays, data_dir: Path) -> None:
    names = [attribute.name for attribute in reading.current(DataDir(data_dir)).engine.attributes(("total_trips",))]
    assert {"duration_band_minutes", "distance_band_miles"} <= {name.rpartition("__")[2] for name in names}
    for name in names:
        early, plain, sql = both_ways(["total_trips", "total_revenue"], by=[name])
        assert early == plain, f"{name}: {sql}"


@pytest.mark.parametrize("where", ["duration_band_minutes = 10", "distance_band_miles > 3", "passenger_count = 2"])
def test_a_filter_on_what_is_added_up_elsewhere_goes_by_the_trips(both_ways: BothWays, where: str) -> None:
    early, plain, sql = both_ways(["total_trips"], by=["trip_type"], where=where)
    assert early == plain
    assert len(early) > 0
    assert "_sums" not in sql


def test_a_run_that_has_the_warehouse_open_is_not_waited_for(held: DataDir) -> None:
    assert asked(metrics.query("total_trips", by="trip_type", data_dir=held.root))[0][0] == "citibike"


def test_a_reader_is_in_no_run_s_way_and_its_next_question_is_asked_of_the_new_version(
    copy: DataDir, delete_rides: Callable[[DataDir], None]
) -> None:
    def modes() -> list[str]:
        return [
            mode for mode, trips in asked(metrics.query("total_trips", by="trip_type", data_dir=copy.root)) if trips
        ]

    assert modes() == ["citibike", "yellow_taxi"]
    first = reading.current(copy)
    assert reading.current(copy) is first, "one version is opened once"
    delete_rides(copy)
    publish(copy, Warehouse())
    assert modes() == ["yellow_taxi"]
    assert reading.current(copy) is not first


def test_the_metrics_asked_are_those_that_the_version_was_published_with(copy: DataDir) -> None:
    assert "total_trips" in {metric.name for metric in metrics.list_metrics(copy.root)}
    with database.writing(copy, Warehouse()) as connection:
        connection.execute("update meta.semantic_manifest set manifest = replace(manifest, 'total_trips', 'all_trips')")
    assert metrics.query("total_trips", data_dir=copy.root).num_rows == 1, "not published yet"
    publish(copy, Warehouse())
    assert metrics.query("all_trips", data_dir=copy.root).num_rows == 1
    with pytest.raises(UnknownName, match="there is no metric total_trips; the nearest are all_trips"):
        metrics.query("total_trips", data_dir=copy.root)


def test_where_nothing_is_published_one_line_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="nothing is published yet; luigi --module luigi_pipeline Publish"):
        metrics.query("total_trips", data_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_question_needs_neither_the_project_nor_dbt_and_writes_nothing(published: Ingested, tmp_path: Path) -> None:
    result = subprocess.run(
        program("ask_a_metric"),
        cwd=tmp_path,
        env=environment({"MOBILITY_DATA_DIR": str(published.data.root)}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.stdout, result.stderr) == ("1 []\n", "")
    assert list(tmp_path.iterdir()) == []


def test_what_metrics_can_be_cut_by_is_told_in_names_that_can_be_asked(data_dir: Path) -> None:
    found = {attribute.name: attribute.kind for attribute in metrics.dimensions("total_trips", data_dir)}
    assert found["pickup_borough"] == found["temperature_category"] == found["day_part"] == "categorical"
    assert found["trip_date"] == "time"
    for name in found:
        assert metrics.query("total_trips", by=name, limit=1, data_dir=data_dir).num_rows == 1, name


def test_metrics_dated_by_the_hour_and_by_the_day_can_be_asked_together(data_dir: Path) -> None:
    def monthly(*names: str) -> list[Row]:
        start, end = "2024-10-01", "2024-11-30"
        return asked(metrics.query(names, by="trip_date__month", start=start, end=end, data_dir=data_dir))

    both = monthly("total_trips", "cumulative_trips")
    alone = monthly("total_trips"), monthly("cumulative_trips")
    assert [(month, trips) for month, trips, _ in both] == alone[0]
    assert [(month, trips) for month, _, trips in both] == alone[1]


def test_running_totals_by_the_hour_come_to_those_by_the_day(data_dir: Path) -> None:
    running = ["cumulative_trips", "trips_month_to_date", "trips_7d_rolling"]
    by_day = asked(metrics.query(running, by="trip_date", order_by="-trip_date", data_dir=data_dir))
    by_hour = asked(metrics.query(running, by="trip_date__hour", order_by="-trip_date__hour", data_dir=data_dir))
    at_midnight = {hour.date(): values for hour, *values in by_hour if hour.hour == 23}
    assert len(at_midnight) > 50
    assert {day.date(): values for day, *values in by_day if day.date() in at_midnight} == at_midnight
    trips: dict[dt.datetime, int] = dict(asked(metrics.query("total_trips", by="trip_date__hour", data_dir=data_dir)))
    assert sum(trips.values()) == by_hour[0][1]
    assert by_hour[0][1] - by_hour[1][1] == trips[by_hour[0][0]]
    finest = {found.name: found.grain for found in metrics.dimensions("cumulative_trips", data_dir)}
    assert finest["trip_date"] == "hour"


def test_a_share_of_everything_is_exactly_a_hundred(data_dir: Path) -> None:
    shares = ["yellow_taxi_mode_share_pct", "citibike_mode_share_pct", "weekend_trip_rate_pct", "rain_trip_rate_pct"]
    cut = ["trip_type", "trip_date__day", "date__is_weekend"]
    found = [
        value
        for row in asked(metrics.query(shares, by=cut, data_dir=data_dir))
        for value in row[3:]
        if value is not None
    ]
    assert found.count(100.0) > 100
    assert [value for value in found if 99.99 < value < 100 or value > 100] == []
