"""What has changed between two builds, from the inputs that their markers keep, and which months that decides about."""

import os
from pathlib import Path

import duckdb
import pytest

from luigi_pipeline.config.settings import Warehouse
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.state.changes import EVERYTHING, Changes
from luigi_pipeline.warehouse import models
from luigi_pipeline.warehouse.shared_rides import with_shared_rides

BEFORE = {
    "citibike 2024-09": "a",
    "citibike 2024-10": "a",
    "yellow_taxi 2024-10": "a",
    "taxi zones": "a",
    "weather_end_date": "a",
    "models/marts/fct_trips.sql": "a",
}
OCTOBER = Changes({"citibike": ["2024-10"]})


def test_months_that_were_loaded_or_loaded_again_or_taken_out_have_changed() -> None:
    added = {"citibike 2024-11": "a", "yellow_taxi 2024-11": "a", "weather 2024-11": "a"}
    now = BEFORE | added | {"citibike 2024-10": "b"}
    del now["citibike 2024-09"]
    assert Changes.between(BEFORE, now, ()) == Changes(
        {"citibike": ["2024-09", "2024-10", "2024-11"], "yellow_taxi": ["2024-11"], "weather": ["2024-11"]}
    )
    assert Changes.between(BEFORE, BEFORE, ()) == Changes({})


@pytest.mark.parametrize("name", ["taxi zones", "models/marts/fct_trips.sql", "models/new.sql", "elsewhere 2024-10"])
def test_if_anything_else_has_changed_everything_has(name: str) -> None:
    assert Changes.between(BEFORE, BEFORE | {name: "b", "citibike 2024-10": "b"}, ()) == EVERYTHING
    assert Changes.between(BEFORE | {name: "b"}, {**BEFORE, name: "a"}, ()) == EVERYTHING


def test_inputs_of_tests_that_ask_all_months_change_nothing_else() -> None:
    now = BEFORE | {"weather_end_date": "b"}
    assert Changes.between(BEFORE, now, ["weather_end_date"]) == Changes({})
    assert Changes.between(BEFORE, now, ()) == EVERYTHING


def test_validation_gets_the_months_of_trips() -> None:
    assert OCTOBER.also("weather", ["2024-10"]).of_trips == {"citibike": ["2024-10"]}
    assert EVERYTHING.of_trips is None


def test_dbt_gets_what_has_changed_and_nothing_that_a_user_has_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOBILITY_CHANGED_MONTHS", "{}")
    data = DataDir(tmp_path)
    for changes, text in ((EVERYTHING, "null"), (OCTOBER, '{"citibike": ["2024-10"]}')):
        with models.environment(data, Warehouse(), {}, changes):
            assert os.environ["MOBILITY_CHANGED_MONTHS"] == text
    with models.environment(data, Warehouse(), {}):
        assert os.environ["MOBILITY_CHANGED_MONTHS"] == "null"


# October has changed. Rows of rides, as (id, month, station where it began).
RIDES = [("A", "2024-09", "1"), ("A", "2024-10", "1"), ("B", "2024-09", "1"), ("C", "2024-11", "1")]
# What the last build noted of rides that were in October, as (id, month, kept copy's month, whether the id is reused).
LEFT_OUT, REUSED = ("C", "2024-11", "2024-10", False), ("B", "2024-10", "2024-10", True)


@pytest.mark.parametrize(
    ("rides", "noted", "months"),
    [
        pytest.param([], [], [], id="an earlier copy is kept, as before"),
        pytest.param([("A", "2024-11", "1")], [], ["2024-11"], id="a later copy may be left out"),
        pytest.param([("B", "2024-10", "2")], [], ["2024-09"], id="an earlier ride shares its id with another one now"),
        pytest.param([("B", "2024-10", None)], [], ["2024-09"], id="or may do so"),
        pytest.param([], [LEFT_OUT], ["2024-11"], id="a copy that was kept is gone"),
        pytest.param([], [REUSED], ["2024-09"], id="a ride that shared the id is gone"),
        pytest.param([], [("A", "2024-10", "2024-09", False)], [], id="a copy that was left out is gone"),
        pytest.param([], [("A", "2024-09", "2024-09", True)], [], id="what October had no part in"),
        pytest.param([("", "2024-10", "1"), ("", "2024-11", "2")], [], [], id="rides without an id"),
        pytest.param([(None, "2024-10", "1"), (None, "2024-11", "2")], [], [], id="rides of the first years"),
    ],
)
def test_a_changed_month_decides_about_others_by_the_rides_that_it_shares_with_them(
    rides: list[tuple[str | None, str, str | None]], noted: list[tuple[str, str, str, bool]], months: list[str]
) -> None:
    with duckdb.connect() as connection:
        connection.execute("create schema raw_data; create schema staging")
        connection.execute(
            "create table raw_data.trips (ride_id text, _source_month text, start_station_id text, "
            "end_station_id text, started_at timestamp, ended_at timestamp)"
        )
        connection.execute(
            "create table staging.int_citibike__duplicate_rides "
            "(ride_id text, source_month text, kept_source_month text, has_reused_id boolean)"
        )
        connection.executemany(
            "insert into raw_data.trips values (?, ?, ?, '9', timestamp '2024-10-01 00:00:00', null)", [*RIDES, *rides]
        )
        if noted:
            connection.executemany("insert into staging.int_citibike__duplicate_rides values (?, ?, ?, ?)", noted)
        found = with_shared_rides(connection, OCTOBER.also("weather", ["2024-10"]))
    assert found == Changes({"citibike": sorted(["2024-10", *months]), "weather": ["2024-10"]})


def test_only_for_changed_rides_the_warehouse_is_asked() -> None:
    with duckdb.connect() as connection:  # which has no rides to ask for
        for changes in (EVERYTHING, Changes({}), Changes({"yellow_taxi": ["2024-10"]})):
            assert with_shared_rides(connection, changes) == changes
