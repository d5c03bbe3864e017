"""Of trips only the changed months are looked at again, and the verdict is that of looking at everything."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from validation_city import EXPECTATIONS, SETTINGS

from luigi_pipeline.state.markers import Marker, shortened
from luigi_pipeline.tasks.validate import changed_months
from luigi_pipeline.validation import data_docs
from luigi_pipeline.validation.results import ValidationSummary
from luigi_pipeline.validation.run import validate

# The rows of another month, of both modes.
OCTOBER = """
    insert into marts.fct_trips
    select * replace (
        '2024-10' as source_month,
        replace(source_file, '-09', '-10') as source_file,
        case trip_type when 'citibike' then 'F' || trip_id else replace(trip_id, '-09', '-10') end as trip_id
    )
    from marts.fct_trips
"""
# Of queries, Great Expectations does not say how many rows it looked at.
COUNTED = """
schema: marts
by_month: true
expectations:
  - {type: expect_column_values_to_not_be_null, kwargs: {column: is_voided}, why: it says how many rows it saw}
"""
DAMAGED = "update marts.fct_trips set duration_minutes = 7 where source_month = '2024-10' and trip_type = 'citibike'"


@pytest.fixture(autouse=True)
def without_data_docs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_docs, "build", lambda *_: None)


def not_held(summary: ValidationSummary) -> list[str]:
    return [item.line for item in summary.outcomes if item.status != "passed"]


@pytest.mark.parametrize(
    ("months", "rows"),
    [
        (None, 16_000),
        ({}, 0),
        ({"citibike": ["2024-10"]}, 4000),
        ({"citibike": ["2024-10"], "yellow_taxi": ["2024-09", "2024-10"]}, 12_000),
        ({"citibike": ["2024-12"]}, 0),  # taken out
    ],
)
def test_rows_of_changed_months_are_looked_at(
    damaged: Callable[..., Path],
    suites: Callable[..., Path],
    tmp_path: Path,
    months: dict[str, list[str]] | None,
    rows: int,
) -> None:
    folder = suites("dim_time", fct_trips=COUNTED)
    summary = validate(damaged(OCTOBER), folder, SETTINGS, tmp_path / "out", months=months)
    assert not_held(summary) == []
    looked_at = {item.element_count for item in summary.outcomes if item.column == "is_voided"}
    assert looked_at == {rows}
    whole, part = json.loads(summary.report.read_text(encoding="utf-8"))["suites"]
    assert (whole["suite"], whole["months"]) == ("dim_time", "all")
    assert (part["suite"], part["months"]) == ("fct_trips", "all" if months is None else months)


def test_damage_in_a_changed_month_has_the_verdict_of_looking_at_everything(
    damaged: Callable[..., Path], suites: Callable[..., Path], tmp_path: Path
) -> None:
    warehouse, folder = damaged(OCTOBER, DAMAGED), suites("fct_trips")
    part = validate(warehouse, folder, SETTINGS, tmp_path / "part", months={"citibike": ["2024-10"]})
    whole = validate(warehouse, folder, SETTINGS, tmp_path / "whole")
    assert not_held(part) == not_held(whole) != []
    assert not part.ok
    beside = validate(warehouse, folder, SETTINGS, tmp_path / "beside", months={"yellow_taxi": ["2024-10"]})
    assert not_held(beside) == []


def test_suite_of_a_source_sees_its_own_months(sound: Path, tmp_path: Path) -> None:
    summary = validate(sound, EXPECTATIONS, SETTINGS, tmp_path / "out", months={"citibike": ["2024-09"]})
    assert not_held(summary) == []
    months = {item.suite: item.months for item in summary.suites if item.months != "all"}
    assert months == {
        "fct_trips": {"citibike": ["2024-09"]},
        "stg_citibike__trips": {"citibike": ["2024-09"]},
        "stg_tlc__yellow_taxi": {},
    }


# Whether the months that have changed are known for certain


INPUTS = {"the build": "build 2", "expectations of fct_trips": "sums", "validation in the configuration": {"a": 1}}
LAST = Marker(
    task="Validate",
    parameters={},
    fingerprint="",
    inputs=shortened({**INPUTS, "the build": "build 1"}),
    started_at="",
    finished_at="",
)
BUILD = Marker(
    task="DbtBuild",
    parameters={},
    fingerprint="build 2",
    started_at="",
    finished_at="",
    details={"since": "build 1", "rebuilt": {"citibike": ["2024-11"]}},
)


def test_months_are_those_that_the_build_made_anew_since_the_last_validation() -> None:
    assert changed_months(LAST, BUILD, INPUTS) == {"citibike": ["2024-11"]}


def details(**changes: Any) -> Marker:
    return replace(BUILD, details={**BUILD.details, **changes})


@pytest.mark.parametrize(
    ("last", "build"),
    [
        pytest.param(None, BUILD, id="the last validation failed, was killed, or there was none"),
        pytest.param(LAST, None, id="no build"),
        pytest.param(LAST, replace(BUILD, fingerprint="build 3"), id="not the build that is asked for"),
        pytest.param(LAST, replace(BUILD, details={}), id="the build says nothing"),
        pytest.param(LAST, details(since=None), id="built from nothing"),
        pytest.param(LAST, details(since="build 0"), id="a build in between"),
        pytest.param(LAST, details(rebuilt=None), id="all months built anew"),
        pytest.param(replace(LAST, inputs={**LAST.inputs, "expectations of x": "y"}), BUILD, id="a suite less"),
        pytest.param(
            replace(LAST, inputs={**LAST.inputs, "expectations of fct_trips": "others"}), BUILD, id="other expectations"
        ),
        pytest.param(
            replace(LAST, inputs={**LAST.inputs, "validation in the configuration": "others"}),
            BUILD,
            id="other thresholds",
        ),
    ],
)
def test_everything_is_looked_at_where_it_is_not_certain_what_changed(
    last: Marker | None, build: Marker | None
) -> None:
    assert changed_months(last, build, INPUTS) is None
