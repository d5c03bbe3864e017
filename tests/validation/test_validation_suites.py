from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from luigi_pipeline.errors import ConfigError
from luigi_pipeline.validation.suites import Suite, read_suite, read_suites

CONFIG = {"validation": {"min_rows": {"yellow_taxi": 1000, "citibike": 1000, "weather": 100}}}
EXPECTATIONS = Path(__file__).parents[2] / "config" / "expectations"
SUITES = [
    "dim_date",
    "dim_location",
    "dim_time",
    "dim_weather",
    "fct_hourly_mobility",
    "fct_trips",
    "stg_citibike__trips",
    "stg_tlc__taxi_zones",
    "stg_tlc__yellow_taxi",
    "stg_weather__hourly",
]

ONE = {"type": "expect_column_to_exist", "severity": "critical", "why": "it is the key", "kwargs": {"column": "a"}}


def written(folder: Path, **changed: object) -> Path:
    path = folder / "dim_x.yml"
    path.write_text(yaml.safe_dump({"schema": "marts", "expectations": [ONE], **changed}), encoding="utf-8")
    return path


def read(path: Path) -> Suite:
    return read_suite(path, CONFIG)


def test_ten_suites_with_at_least_56_expectations() -> None:
    suites = read_suites(EXPECTATIONS, CONFIG)
    assert [suite.name for suite in suites] == SUITES
    assert sum(len(suite.expectations) for suite in suites) >= 56


def test_suite_is_named_by_its_file_and_table_by_its_schema(tmp_path: Path) -> None:
    assert read(written(tmp_path)).table == "marts.dim_x"


def test_placeholder_becomes_the_configured_value(tmp_path: Path) -> None:
    kwargs = {"value_set": [{"config": "validation.min_rows.weather"}, 7], "column": "a"}
    suite = read(written(tmp_path, expectations=[{**ONE, "kwargs": kwargs}]))
    assert suite.expectations[0].kwargs == {"value_set": [100, 7], "column": "a"}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"skema": "marts"}, "unknown key skema"),
        ({"name": "dim_y"}, "unknown key name; a suite is named by its file"),
        ({"expectations": [{**ONE, "severty": "critical"}]}, "unknown key expectations[0].severty"),
        (
            {"expectations": [ONE, {**ONE, "severity": "fatal"}]},
            "expectations[1].severity: Input should be 'critical', 'warning' or 'info', not 'fatal'",
        ),
        (
            {"expectations": [{key: ONE[key] for key in ("type", "severity", "kwargs")}]},
            "missing key expectations[0].why",
        ),
        (
            {"source": "green_taxi"},
            "source: Input should be 'yellow_taxi', 'citibike' or 'weather', not 'green_taxi'",
        ),
        (
            {"expectations": [{**ONE, "kwargs": {"min_value": {"config": "validation.min_rows.bikes"}}}]},
            "expectations[0].kwargs.min_value: the configuration has no validation.min_rows.bikes",
        ),
        (
            {"expectations": [{**ONE, "kwargs": {"min_value": {"config": "a", "default": 3}}}]},
            "expectations[0].kwargs.min_value: write a value of the configuration as {config: its.key}",
        ),
        (
            {"expectations": [{**ONE, "kwargs": {"unexpected_rows_query": "select 1"}}]},
            "expectations[0].kwargs.unexpected_rows_query: must select from {batch}",
        ),
    ],
)
def test_mistake_is_one_line_with_file_and_key(tmp_path: Path, changed: dict[str, object], message: str) -> None:
    path = written(tmp_path, **changed)
    with pytest.raises(ConfigError) as raised:
        read(path)
    assert str(raised.value) == f"{path}: {message}"


@pytest.mark.parametrize("text", ["- a\n- b\n", "", "schema: [", "schema: \x00"])
def test_file_that_is_no_suite_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "dim_x.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        read(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert "\n" not in str(raised.value)


def test_folder_without_suites_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no expectations"):
        read_suites(tmp_path, CONFIG)


def test_disabled_source_keeps_the_columns_and_expects_no_rows(tmp_path: Path) -> None:
    row = {**ONE, "type": "expect_column_values_to_not_be_null"}
    suite = read(written(tmp_path, source="citibike", expectations=[ONE, row]))
    evaluated, skipped = suite.select({"yellow_taxi", "weather"})
    assert [(item.type, item.kwargs) for item in evaluated] == [
        ("expect_column_to_exist", {"column": "a"}),
        ("expect_table_row_count_to_equal", {"value": 0}),
    ]
    assert [item.type for item in skipped] == ["expect_column_values_to_not_be_null"]


def test_mixed_table_skips_only_what_is_about_the_disabled_source(tmp_path: Path) -> None:
    bikes = {**ONE, "kwargs": {"column": "b"}, "source": "citibike"}
    trips = {**ONE, "kwargs": {"column": "c"}, "source": ["citibike", "yellow_taxi"]}
    suite = read(written(tmp_path, expectations=[ONE, bikes, trips]))
    evaluated, skipped = suite.select({"yellow_taxi"})
    assert [item.kwargs["column"] for item in evaluated] == ["a", "c"]
    assert [item.kwargs["column"] for item in skipped] == ["b"]
