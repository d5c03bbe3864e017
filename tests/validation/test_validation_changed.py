"""Only what has changed is looked at again, and the verdict is that of looking at everything."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import pytest
from validation_city import EXPECTATIONS

from luigi_pipeline.datadir import DataDir
from luigi_pipeline.markers import Marker
from luigi_pipeline.tasks.base import shortened
from luigi_pipeline.tasks.changes import changed_months
from luigi_pipeline.validation import data_docs
from luigi_pipeline.validation.months import Changed
from luigi_pipeline.validation.results import Outcome, ValidationSummary
from luigi_pipeline.validation.run import ValidationInput, validate

SETTINGS = ValidationInput(
    enabled_sources=frozenset({"yellow_taxi", "citibike", "weather"}),
    min_rows={"yellow_taxi": 1000, "citibike": 1000, "weather": 100},
    threads=1,
)
BY_MONTHS = ("fct_trips", "stg_citibike__trips", "stg_tlc__yellow_taxi")
BOTH = {"yellow_taxi": ["2024-11"], "citibike": ["2024-11"]}
BEFORE = {"yellow_taxi": ["2024-10"], "citibike": ["2024-10"]}
ADDED = Changed(BOTH, known=BEFORE)
REPLACED = Changed(BOTH, known={mode: ["2024-10", "2024-11"] for mode in BOTH})


@pytest.fixture
def suites_by_months(tmp_path: Path) -> Path:
    folder = tmp_path / "expectations"
    folder.mkdir()
    for name in BY_MONTHS:
        shutil.copy(EXPECTATIONS / f"{name}.yml", folder)
    return folder


@pytest.fixture
def warehouse(published: Any, tmp_path: Path) -> Callable[..., Path]:
    """A copy of what the pipeline made of October and November, damaged with SQL."""

    def damage(*statements: str) -> Path:
        path = DataDir(tmp_path / "damaged").warehouse
        path.parent.mkdir()
        shutil.copy(published.data.warehouse, path)
        with duckdb.connect(str(path)) as connection:
            for statement in statements:
                counted = connection.execute(statement).fetchone()
                assert counted, f"changes nothing: {statement}"
                assert counted[0], f"changes nothing: {statement}"
        return path

    return damage


@pytest.fixture
def without_data_docs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_docs, "build", lambda *_: None)


def not_held(summary: ValidationSummary) -> list[tuple[str, str, str]]:
    return [(item.suite, item.status, item.why) for item in summary.outcomes if item.status != "passed"]


def rows(warehouse: Path, months: dict[str, list[str]]) -> int:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        counted = connection.execute("select trip_type, source_month, count(*) from marts.fct_trips group by all")
        return sum(trips for mode, month, trips in counted.fetchall() if month in months[mode])


def found(summary: ValidationSummary, suite: str, why: str) -> Outcome:
    (item,) = [item for item in summary.outcomes if item.suite == suite and item.why.startswith(why)]
    return item


def test_what_goes_by_months_is_evaluated_on_those_that_have_changed(published: Any, tmp_path: Path) -> None:
    summary = validate(published.data.warehouse, EXPECTATIONS, SETTINGS, tmp_path / "out", changed=ADDED)
    assert not_held(summary) == []

    report = json.loads(summary.report.read_text(encoding="utf-8"))
    assert report["months"] == BOTH
    by_suite = {suite["suite"]: suite for suite in report["suites"]}
    assert by_suite["fct_trips"]["months"] == BOTH
    assert by_suite["stg_citibike__trips"]["months"] == {"citibike": ["2024-11"]}
    assert by_suite["dim_weather"]["months"] == "all"
    assert by_suite["dim_weather"]["on_all_months"] == by_suite["dim_weather"]["total"]
    assert 0 < by_suite["fct_trips"]["on_all_months"] < 10

    trips = found(summary, "fct_trips", "A mode that no metric")
    assert (trips.months, trips.element_count) == (BOTH, rows(published.data.warehouse, BOTH))
    rides = found(summary, "stg_citibike__trips", "Rides end in and around New York")
    assert rides.months == {"citibike": ["2024-11"]}
    beside = found(summary, "fct_trips", "A zone that has many trips")
    assert beside.months == {mode: ["2024-10", "2024-11"] for mode in BOTH}
    assert found(summary, "fct_trips", "Fewer taxi trips").months == BOTH
    assert found(summary, "fct_trips", "Money is exact").months == "all"
    assert summary.known == {mode: ["2024-10", "2024-11"] for mode in BOTH}


COUNTED = """
schema: marts
partitions: [trip_type, source_month]
counts:
  months: select source_month, count(*) as trips from {batch} group by 1
expectations:
  - type: unexpected_rows_expectation
    severity: critical
    scope: SCOPE
    why: only some months are counted
    kwargs: {unexpected_rows_query: "select * from {months} where source_month <> '2024-11'"}
"""


@pytest.mark.usefixtures("without_data_docs")
@pytest.mark.parametrize(("scope", "status"), [("changed_months", "passed"), ("neighbouring_months", "failed")])
def test_what_is_counted_is_of_the_months_that_are_looked_at(
    published: Any, tmp_path: Path, scope: str, status: str
) -> None:
    folder = tmp_path / "expectations"
    folder.mkdir()
    (folder / "fct_trips.yml").write_text(COUNTED.replace("SCOPE", scope), encoding="utf-8")
    summary = validate(published.data.warehouse, folder, SETTINGS, tmp_path / "out", changed=ADDED)
    assert [(item.status, item.error) for item in summary.outcomes] == [(status, None)]


def test_least_number_of_trips_is_asked_of_all_months_where_the_new_one_has_fewer(
    published: Any, without_data_docs: None, tmp_path: Path
) -> None:
    least = {**SETTINGS.min_rows, "yellow_taxi": 10_000}

    summary = validate(
        published.data.warehouse, EXPECTATIONS, replace(SETTINGS, min_rows=least), tmp_path / "out", changed=ADDED
    )
    assert not_held(summary) == []
    taxi, bikes = (found(summary, "fct_trips", f"Fewer {mode} trips") for mode in ("taxi", "bike"))
    assert (taxi.months, taxi.observed_value) == ("all", 10_000)
    assert bikes.months == BOTH


def test_data_docs_say_which_months_were_looked_at(published: Any, suites_by_months: Path, tmp_path: Path) -> None:
    summary = validate(published.data.warehouse, suites_by_months, SETTINGS, tmp_path / "out", changed=ADDED)
    assert summary.data_docs_error is None
    rows = re.findall(
        r'<a href="([^"]+)">(\w+)</a></td>\s*<td>([^<]+)</td>\s*<td class="text-success">(\d+)</td>\s*<td>(\d+)</td>',
        summary.data_docs.read_text(encoding="utf-8"),
    )
    assert [(suite, months) for _, suite, months, _, _ in rows] == [
        ("fct_trips", "2024-11"),
        ("fct_trips", "2024-11, and those beside"),
        ("fct_trips", "all"),
        ("stg_citibike__trips", "2024-11"),
        ("stg_citibike__trips", "all"),
        ("stg_tlc__yellow_taxi", "2024-11"),
    ]
    assert sum(int(total) for *_, total in rows) == len(summary.outcomes)
    for page, suite, months, _, _ in rows:
        text = (summary.data_docs.parent / page).read_text(encoding="utf-8")
        assert f"{suite}, months: {months}" in text


def test_whole_validation_knows_the_months_that_are_there(
    published: Any, suites_by_months: Path, tmp_path: Path
) -> None:
    summary = validate(published.data.warehouse, suites_by_months, SETTINGS, tmp_path / "out")
    assert (summary.months, summary.known) == ("all", {mode: ["2024-10", "2024-11"] for mode in BOTH})
    assert {item.months for item in summary.outcomes} == {"all"}


# Statements on the new month, and a check that tells.
DAMAGE = {
    "durations in seconds": (
        "update marts.fct_trips set duration_minutes = duration_minutes * 60 where source_month = '2024-11'",
        "A duration is the end minus the start",
    ),
    "fares in cents": (
        "update marts.fct_trips set fare_amount = fare_amount * 100 where source_month = '2024-11'",
        "The median fare is",
    ),
    "a zone lost": (
        "delete from marts.fct_trips where source_month = '2024-11' and pickup_location_id = 237",
        "A zone that has many trips",
    ),
    "most rides lost": (
        "delete from marts.fct_trips where source_month = '2024-11' and trip_type = 'citibike' "
        "and hash(trip_id) % 3 > 0",
        "Little more than half",
    ),
    "a ride twice": (
        "insert into marts.fct_trips from marts.fct_trips where trip_id = "
        "(select min(trip_id) from marts.fct_trips where source_month = '2024-11' and trip_type = 'citibike')",
        "A ride that is there twice",
    ),
    "a ride of the month before once more": (
        "update marts.fct_trips set trip_id = (select min(trip_id) from marts.fct_trips "
        "where source_month = '2024-10' and trip_type = 'citibike') where trip_id = "
        "(select min(trip_id) from marts.fct_trips where source_month = '2024-11' and trip_type = 'citibike')",
        "A ride that is there twice",
    ),
    "a taxi trip of the month before once more": (
        "update marts.fct_trips set trip_id = replace(trip_id, '2024-11', '2024-10') "
        "where trip_id like '%2024-11.parquet#7'",
        "A taxi trip's id is its file",
    ),
    "another file's trips": (
        "update marts.fct_trips set source_file = replace(source_file, '-11', '-10'), "
        "trip_id = replace(trip_id, '-11', '-10') where trip_type = 'yellow_taxi' and source_month = '2024-11'",
        "A taxi trip's id is its file",
    ),
    "a mode lost": ("delete from marts.fct_trips where trip_type = 'citibike'", "Fewer bike trips"),
    "an hour's trips an hour later": (
        "update marts.fct_trips set pickup_hour_of_day = 9 where pickup_hour_of_day = 8",
        "New York moves at every hour",
    ),
}


@pytest.mark.usefixtures("without_data_docs")
@pytest.mark.parametrize("name", DAMAGE)
def test_damage_in_a_changed_month_has_the_verdict_of_a_whole_validation(
    warehouse: Callable[..., Path], suites_by_months: Path, tmp_path: Path, name: str
) -> None:
    statement, why = DAMAGE[name]
    damaged = warehouse(statement)
    part = validate(damaged, suites_by_months, SETTINGS, tmp_path / "part", changed=ADDED)
    whole = validate(damaged, suites_by_months, SETTINGS, tmp_path / "whole")
    assert found(part, "fct_trips", why).status == "failed"
    assert not_held(part) == not_held(whole)
    assert {item.months for item in part.outcomes if item.status != "passed"} == {"all"}


@pytest.mark.usefixtures("without_data_docs")
@pytest.mark.parametrize(
    ("hour", "part_tells"),
    [("2024-11-05 13:00", True), ("2024-10-31 13:00", True), ("2024-12-01 04:00", True), ("2024-10-05 13:00", False)],
)
def test_hours_of_changed_months_and_beside_them_have_the_sums_of_their_trips(
    warehouse: Callable[..., Path], tmp_path: Path, hour: str, *, part_tells: bool
) -> None:
    hours = tmp_path / "expectations"
    hours.mkdir()
    shutil.copy(EXPECTATIONS / "fct_hourly_mobility.yml", hours)
    damaged = warehouse(
        "update marts.fct_hourly_mobility set duration_minutes_sum = coalesce(duration_minutes_sum, 0) + 1 "
        f"where hour_utc = '{hour}' and trip_type = 'citibike'"
    )
    why = "The trips of an hour"
    part = validate(damaged, hours, SETTINGS, tmp_path / "part", changed=ADDED)
    whole = validate(damaged, hours, SETTINGS, tmp_path / "whole")
    assert found(whole, "fct_hourly_mobility", why).status == "failed"
    assert found(part, "fct_hourly_mobility", why).status == ("failed" if part_tells else "passed")


@pytest.mark.usefixtures("without_data_docs")
def test_share_is_asked_of_all_months_where_a_month_was_replaced(
    warehouse: Callable[..., Path], suites_by_months: Path, tmp_path: Path
) -> None:
    # One in 50 of all rides starts elsewhere, by what October has: beside another November, that was less.
    damaged = warehouse(
        "update raw_data.trips set start_lat = 10, start_station_latitude = 10 "
        "where _source_month = '2024-10' and _source_row % 25 = 0"
    )
    added = validate(damaged, suites_by_months, SETTINGS, tmp_path / "added", changed=ADDED)
    replaced = validate(damaged, suites_by_months, SETTINGS, tmp_path / "replaced", changed=REPLACED)

    def of_latitude(summary: ValidationSummary) -> list[tuple[str, Any]]:
        return [(item.status, item.months) for item in summary.outcomes if item.column == "start_latitude"]

    assert of_latitude(replaced) == [("failed", "all")]
    assert of_latitude(added) == [("passed", {"citibike": ["2024-11"]})]
    assert found(replaced, "stg_citibike__trips", "All but 1 % of rides have a start").months != "all"


@pytest.mark.usefixtures("without_data_docs")
def test_what_did_not_hold_last_time_is_asked_of_all_months(
    warehouse: Callable[..., Path], suites_by_months: Path, tmp_path: Path
) -> None:
    damaged = warehouse(
        "update marts.fct_trips set passenger_count = 4 where source_month = '2024-10' and passenger_count is not null"
    )
    before = validate(damaged, suites_by_months, SETTINGS, tmp_path / "before")
    warned = [item for item in before.outcomes if item.status == "failed"]
    assert before.ok
    assert [item.why for item in warned] == ["Taxis carry 1.2 to 1.7 passengers on average."]
    changed = replace(ADDED, failed=frozenset(item.key for item in warned))
    after = validate(damaged, suites_by_months, SETTINGS, tmp_path / "after", changed=changed)
    assert not_held(after) == not_held(before)


@pytest.mark.usefixtures("without_data_docs")
def test_what_does_not_hold_of_the_changed_months_alone_may_hold_of_all(
    published: Any, suites_by_months: Path, tmp_path: Path
) -> None:
    least = replace(SETTINGS, min_rows={"yellow_taxi": 7000, "citibike": 1000, "weather": 100})
    summary = validate(published.data.warehouse, suites_by_months, least, tmp_path / "out", changed=ADDED)
    assert not_held(summary) == []
    rows = found(summary, "stg_tlc__yellow_taxi", "Fewer trips than this deployment's least")
    assert (rows.months, rows.observed_value) == ("all", 10_000)


@pytest.mark.usefixtures("without_data_docs")
@pytest.mark.parametrize(
    "months",
    [
        {"yellow_taxi": [], "citibike": []},
        {"yellow_taxi": [], "citibike": ["2024-11"]},
        {"yellow_taxi": ["2024-10"], "citibike": ["2024-11"]},
        {"yellow_taxi": ["2024-10", "2024-11"], "citibike": ["2024-11"]},
        {"yellow_taxi": [], "citibike": ["2024-12"]},  # taken out
    ],
)
def test_modes_change_by_themselves(
    published: Any, suites_by_months: Path, tmp_path: Path, months: dict[str, list[str]]
) -> None:
    summary = validate(
        published.data.warehouse, suites_by_months, SETTINGS, tmp_path / "out", changed=replace(REPLACED, months=months)
    )
    assert not_held(summary) == []
    looked_at = found(summary, "fct_trips", "A mode that no metric")
    assert (looked_at.months, looked_at.element_count) == (months, rows(published.data.warehouse, months))


# Whether the months that have changed are known for certain


INPUTS = {"the build": "build 2", "expectations of fct_trips": "sums", "validation in the configuration": {"a": 1}}
LAST = Marker(
    task="Validate",
    parameters={},
    fingerprint="",
    inputs=shortened({**INPUTS, "the build": "build 1"}),
    started_at="2026-01-01T00:00:00.000+00:00",
    finished_at="2026-01-01T00:01:00.000+00:00",
    versions={"great_expectations": version("great_expectations")},
    details={"sources": ["citibike", "yellow_taxi"], "known_months": BEFORE, "not_held": ["abc"]},
)
BUILD = Marker(
    task="DbtBuild",
    parameters={},
    fingerprint="build 2",
    started_at="",
    finished_at="",
    details={"since": "build 1", "rebuilt": {"citibike": ["2024-11"]}},
)
SOURCES = ["yellow_taxi", "citibike"]


def test_months_are_those_that_the_build_made_anew_since_the_last_validation() -> None:
    changed = changed_months(LAST, BUILD, INPUTS, SOURCES, selected_at="")
    assert changed == Changed({"yellow_taxi": [], "citibike": ["2024-11"]}, BEFORE, frozenset({"abc"}))


def details(marker: Marker, **changes: Any) -> Marker:
    return replace(marker, details={**marker.details, **changes})


@pytest.mark.parametrize(
    ("last", "build"),
    [
        pytest.param(None, BUILD, id="the last validation failed, or there was none"),
        pytest.param(LAST, None, id="no build"),
        pytest.param(LAST, replace(BUILD, fingerprint="build 3"), id="not the build that is asked for"),
        pytest.param(LAST, replace(BUILD, details={}), id="the build says nothing"),
        pytest.param(LAST, details(BUILD, since=None), id="built from nothing"),
        pytest.param(LAST, details(BUILD, since="build 0"), id="a build in between"),
        pytest.param(LAST, details(BUILD, rebuilt=None), id="all months built anew"),
        pytest.param(LAST, details(BUILD, rebuilt={"ferry": ["2024-11"]}), id="an unknown mode"),
        pytest.param(LAST, details(BUILD, rebuilt={"citibike": ["2024-11' or true --"]}), id="no month"),
        pytest.param(LAST, details(BUILD, rebuilt=["2024-11"]), id="no modes"),
        pytest.param(
            replace(LAST, inputs={**LAST.inputs, "expectations of fct_trips": "others"}), BUILD, id="other expectations"
        ),
        pytest.param(
            replace(LAST, inputs={**LAST.inputs, "validation in the configuration": "others"}),
            BUILD,
            id="other thresholds",
        ),
        pytest.param(replace(LAST, inputs={**LAST.inputs, "expectations of x": "y"}), BUILD, id="a suite less"),
        pytest.param(replace(LAST, versions={"great_expectations": "0.1"}), BUILD, id="another Great Expectations"),
        pytest.param(details(LAST, sources=["citibike"]), BUILD, id="other sources"),
        pytest.param(details(LAST, known_months=None), BUILD, id="its months are not known"),
        pytest.param(replace(LAST, details={}), BUILD, id="left by an earlier release"),
    ],
)
def test_all_months_are_looked_at_where_it_is_not_certain_what_changed(
    last: Marker | None, build: Marker | None
) -> None:
    assert changed_months(last, build, INPUTS, SOURCES, selected_at="") is None


def test_all_months_are_looked_at_after_models_were_built_by_selection() -> None:
    assert changed_months(LAST, BUILD, INPUTS, SOURCES, selected_at="2025-12-31T00:00:00.000+00:00") is not None
    assert changed_months(LAST, BUILD, INPUTS, SOURCES, selected_at="2026-01-01T00:00:30.000+00:00") is None
