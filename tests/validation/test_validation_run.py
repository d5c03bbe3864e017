from __future__ import annotations

import dataclasses
import datetime as dt
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from support import PROJECT, program
from validation_city import EXPECTATIONS, SETTINGS, Run

from luigi_pipeline.core.errors import ConfigError, WarehouseError
from luigi_pipeline.validation import data_docs
from luigi_pipeline.validation.run import validate

MIXED = """
schema: marts
expectations:
  - {type: expect_column_values_to_not_be_null, severity: critical, why: sound, kwargs: {column: hour_of_day}}
  - {type: expect_column_values_to_not_be_null, severity: SEVERITY, why: broken here, kwargs: {column: COLUMN}}
"""
SOUND = MIXED.replace("sound", "it is the key").replace("broken here", "it is the part of the day")


def mixed(severity: str, column: str) -> str:
    return SOUND.replace("SEVERITY", severity).replace("COLUMN", column)


def test_every_expectation_is_evaluated_and_holds(sound_run: Run) -> None:
    assert [item.line for item in sound_run.summary.outcomes if item.status != "passed"] == []
    assert sound_run.summary.ok
    assert len(sound_run.summary.suites) == 10
    assert len(sound_run.summary.outcomes) >= 49


def test_report_says_what_was_found(sound_run: Run) -> None:
    report = json.loads((sound_run.out / "report.json").read_text(encoding="utf-8"))
    total = len(sound_run.summary.outcomes)
    assert report["success"] is True
    assert report["summary"] == {
        "suites": 10,
        "expectations": total,
        "passed": total,
        "failed": 0,
        "errored": 0,
        "skipped": 0,
        "failed_by_severity": {"critical": 0, "warning": 0, "info": 0},
    }
    assert dt.datetime.fromisoformat(report["generated_at"]).utcoffset() == dt.timedelta(0)
    assert report["versions"]["duckdb"] == duckdb.__version__
    (rows,) = (
        item
        for item in report["results"]
        if item["suite"] == "stg_weather__hourly" and item["expectation"] == "expect_table_row_count_to_be_between"
    )
    assert rows == {
        "suite": "stg_weather__hourly",
        "expectation": "expect_table_row_count_to_be_between",
        "column": None,
        "severity": "critical",
        "status": "passed",
        "why": "Fewer hours than this deployment's least.",
        "kwargs": {"min_value": 700},
        "observed_value": 721,
        "element_count": None,
        "unexpected_count": None,
        "unexpected_percent": None,
        "samples": [],
        "error": None,
        "success": True,
    }


def test_data_docs_have_a_page_for_each_suite_and_need_no_network(sound_run: Run) -> None:
    docs = sound_run.out / "data_docs"
    index = (docs / "index.html").read_text(encoding="utf-8")
    for suite in sound_run.summary.suites:
        (page,) = re.findall(rf'href="(validations/{suite.suite}/[^"]+)"', index)
        assert suite.table in (docs / page).read_text(encoding="utf-8")
        assert (docs / "expectations" / f"{suite.suite}.html").is_file()
    for page in docs.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert "<script" not in text
        assert not re.search(r'(src|href)="https?://|url\(.?https?://', text), page
        for style in re.findall(r'<link rel="stylesheet" href="([^"]+)"', text):
            assert (page.parent / style).is_file(), page


def test_nothing_but_report_history_and_data_docs_is_left(sound_run: Run) -> None:
    assert sorted(path.name for path in sound_run.out.iterdir()) == ["data_docs", "history.jsonl", "report.json"]


def test_warehouse_is_free_again(sound_run: Run, sound: Path) -> None:
    # DuckDB refuses to open a file for writing that this process holds open for reading.
    with duckdb.connect(str(sound)) as connection:
        assert connection.execute("select count(*) from marts.dim_time").fetchone() == (24,)


def test_critical_failure_is_reported_with_its_rows_and_blocks(
    damaged: Callable[..., Path], suites: Callable[..., Path], tmp_path: Path
) -> None:
    warehouse = damaged("update marts.dim_time set day_part = null where hour_of_day in (3, 4, 5)")
    summary = validate(warehouse, suites(dim_time=mixed("critical", "day_part")), SETTINGS, tmp_path / "out")
    assert not summary.ok
    (failed,) = summary.blocking
    assert (failed.status, failed.column, failed.element_count) == ("failed", "day_part", 24)
    assert (failed.unexpected_count, failed.unexpected_percent) == (3, 12.5)
    assert failed.line == ("dim_time: expect_column_values_to_not_be_null (day_part) failed: it is the part of the day")
    assert json.loads(summary.report.read_text(encoding="utf-8"))["success"] is False
    assert 'class="text-danger">1<' in summary.data_docs.read_text(encoding="utf-8")


@pytest.mark.parametrize("severity", ["warning", "info"])
def test_lesser_failure_does_not_block(
    damaged: Callable[..., Path], suites: Callable[..., Path], tmp_path: Path, severity: str
) -> None:
    warehouse = damaged("update marts.dim_time set day_part = null")
    summary = validate(warehouse, suites(dim_time=mixed(severity, "day_part")), SETTINGS, tmp_path / "out")
    assert summary.ok
    assert summary.count("failed", severity) == 1  # type: ignore[arg-type]
    assert json.loads(summary.report.read_text(encoding="utf-8"))["summary"]["failed_by_severity"][severity] == 1


@pytest.mark.parametrize("severity", ["critical", "warning"])
def test_expectation_that_errors_blocks_whatever_its_severity(
    sound: Path, suites: Callable[..., Path], tmp_path: Path, severity: str
) -> None:
    summary = validate(sound, suites(dim_time=mixed(severity, "no_such_column")), SETTINGS, tmp_path / "out")
    assert not summary.ok
    assert [(item.status, item.column) for item in summary.outcomes] == [
        ("passed", "hour_of_day"),
        ("errored", "no_such_column"),
    ]
    (errored,) = json.loads(summary.report.read_text(encoding="utf-8"))["results"][1:]
    assert errored["success"] is False
    assert "no_such_column" in errored["error"]
    assert "\n" not in errored["error"]


def test_table_that_is_missing_is_an_error_of_all_its_expectations(
    damaged: Callable[..., Path], suites: Callable[..., Path], tmp_path: Path
) -> None:
    summary = validate(damaged("drop table marts.dim_time"), suites("dim_time", "dim_date"), SETTINGS, tmp_path / "out")
    statuses = {(item.suite, item.status) for item in summary.outcomes}
    assert statuses == {("dim_date", "passed"), ("dim_time", "errored")}
    assert all("marts.dim_time can't be read" in item.line for item in summary.blocking)


def test_failing_query_shows_what_it_found(
    damaged: Callable[..., Path], suites: Callable[..., Path], tmp_path: Path
) -> None:
    warehouse = damaged("update marts.dim_time set day_part = 'noon' where hour_of_day = 12")
    summary = validate(warehouse, suites("dim_time"), SETTINGS, tmp_path / "out")
    (failed,) = summary.blocking
    assert failed.observed_value == 1
    assert failed.samples == [{"hour_of_day": 12, "day_part": "noon"}]


def test_suites_about_a_source_that_is_not_there_are_skipped(damaged: Callable[..., Path], tmp_path: Path) -> None:
    settings = dataclasses.replace(SETTINGS, enabled_sources=frozenset({"yellow_taxi", "weather", "taxi_zones"}))
    without_bikes = [
        "delete from staging.stg_citibike__trips",
        "delete from marts.fct_trips where trip_type = 'citibike'",
        "delete from staging.int_trips__by_hour where trip_type = 'citibike'",
        "delete from marts.fct_hourly_mobility where trip_type = 'citibike'",
        "update marts.fct_hourly_mobility set share_of_hour_pct = case when trips > 0 then 100 end",
    ]
    summary = validate(damaged(*without_bikes), EXPECTATIONS, settings, tmp_path / "out")
    assert [item.line for item in summary.outcomes if item.status in ("failed", "errored")] == []
    skipped = [item.suite for item in summary.outcomes if item.status == "skipped"]
    # Of the hours, the deployment's least number of rides.
    assert set(skipped) == {"stg_citibike__trips", "fct_hourly_mobility"}
    assert skipped.count("fct_hourly_mobility") == 1


def test_nothing_enabled_and_nothing_loaded_holds(damaged: Callable[..., Path], tmp_path: Path) -> None:
    settings = dataclasses.replace(SETTINGS, enabled_sources=frozenset())
    tables = ("fct_trips", "fct_hourly_mobility", "dim_date", "dim_weather", "dim_location")
    staged = (
        "stg_tlc__yellow_taxi",
        "stg_tlc__taxi_zones",
        "stg_citibike__trips",
        "stg_weather__hourly",
        "int_trips__by_hour",
    )
    empty = [*(f"delete from marts.{name}" for name in tables), *(f"delete from staging.{name}" for name in staged)]
    summary = validate(damaged(*empty), EXPECTATIONS, settings, tmp_path / "out")
    assert [item.line for item in summary.outcomes if item.status in ("failed", "errored")] == []


@pytest.mark.parametrize(("least", "status"), [(4000, "passed"), (4001, "failed"), (None, "skipped")])
@pytest.mark.parametrize(("source", "suite"), [("citibike", "fct_hourly_mobility"), ("weather", "stg_weather__hourly")])
def test_least_number_of_rows_stops_those_who_set_it(
    sound: Path, suites: Callable[..., Path], tmp_path: Path, source: str, suite: str, least: int | None, status: str
) -> None:
    # The city has 721 hours.
    rows = least and (least if source == "citibike" else least - 4000 + 721)
    settings = dataclasses.replace(SETTINGS, min_rows={**SETTINGS.min_rows, source: rows})
    summary = validate(sound, suites(suite), settings, tmp_path / "out")
    (found,) = [
        item
        for item in summary.outcomes
        if item.why.startswith("Fewer hours" if source == "weather" else "Fewer bike trips")
    ]
    assert found.status == status
    assert summary.ok == (status != "failed")


def test_progress_is_told_after_each_suite(sound: Path, suites: Callable[..., Path], tmp_path: Path) -> None:
    told: list[tuple[str, int, int, float]] = []
    validate(
        sound,
        suites("dim_time", dim_date=mixed("critical", "no_such_column")),
        SETTINGS,
        tmp_path / "out",
        progress=lambda *suite: told.append(suite),
    )
    assert told == [("dim_date", 0, 2, 0.5), ("dim_time", 3, 3, 1.0)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("type: expect_column_to_exits, kwargs: {column: day_part}", "Great Expectations knows no such type"),
        ("type: expect_column_to_exist, kwargs: {colum: day_part}", "column: field required"),
    ],
)
def test_expectation_that_is_unknown_is_one_line(
    sound: Path, suites: Callable[..., Path], tmp_path: Path, text: str, message: str
) -> None:
    written = f"schema: marts\nexpectations:\n  - {{{text}, severity: info, why: it is the part of the day}}\n"
    folder = suites(dim_time=written)
    with pytest.raises(ConfigError) as raised:
        validate(sound, folder, SETTINGS, tmp_path / "out")
    assert str(raised.value).startswith(f"{folder / 'dim_time.yml'}: expectation 0 (expect_column_to_exi")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "out" / "report.json").exists()


def test_same_expectation_twice_is_an_error(sound: Path, suites: Callable[..., Path], tmp_path: Path) -> None:
    folder = suites(dim_time=mixed("critical", "hour_of_day"))
    with pytest.raises(ConfigError, match="is there twice"):
        validate(sound, folder, SETTINGS, tmp_path / "out")


@pytest.mark.pipeline
def test_warehouse_that_is_missing_is_one_line(suites: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(WarehouseError) as raised:
        validate(tmp_path / "none.duckdb", suites("dim_time"), SETTINGS, tmp_path / "out")
    assert str(raised.value).startswith(f"{tmp_path / 'none.duckdb'} can't be opened for reading: ")
    assert "\n" not in str(raised.value)


def test_path_with_signs_that_mean_something_elsewhere(
    sound: Path, suites: Callable[..., Path], tmp_path: Path
) -> None:
    folder = tmp_path / "a $HOME of 100%20 & more?#"
    folder.mkdir()
    shutil.copy(sound, folder)
    summary = validate(folder / sound.name, suites("dim_time"), SETTINGS, folder / "out")
    assert summary.ok
    assert summary.data_docs.is_file()


def test_data_docs_that_fail_leave_the_last_ones_and_the_verdict(
    sound: Path, suites: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    folder = suites("dim_time")
    before = validate(sound, folder, SETTINGS, out).data_docs.read_bytes()

    def fail(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(data_docs, "Environment", fail)
    summary = validate(sound, folder, SETTINGS, out)
    assert summary.ok
    assert summary.data_docs_error == "no space left on device"
    assert summary.data_docs.read_bytes() == before
    assert json.loads(summary.report.read_text(encoding="utf-8"))["data_docs_error"] == "no space left on device"


def test_other_time_zone_gives_the_same_and_nothing_is_printed_or_left_elsewhere(
    sound: Path, sound_run: Run, tmp_path: Path
) -> None:
    home, temporary, out = tmp_path / "home", tmp_path / "tmp", tmp_path / "out"
    home.mkdir()
    temporary.mkdir()
    done = subprocess.run(
        program("validate_a_warehouse", sound, EXPECTATIONS, out, json.dumps(SETTINGS.min_rows)),
        env={"TZ": "Pacific/Auckland", "HOME": str(home), "TMPDIR": str(temporary), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("", "")
    assert list(home.rglob("*")) == []
    assert list(temporary.rglob("*")) == []
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert [(item["suite"], item["status"]) for item in report["results"]] == [
        (item.suite, item.status) for item in sound_run.summary.outcomes
    ]


@pytest.mark.pipeline
def test_what_great_expectations_seldom_uses_is_not_loaded() -> None:
    command = program("import_great_expectations")
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.split() == ["_LazyModule", "False", "0.5", "module"]
