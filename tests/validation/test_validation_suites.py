from __future__ import annotations

import re
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

QUERY = {
    "type": "unexpected_rows_expectation",
    "severity": "critical",
    "why": "it is the key",
    "kwargs": {"unexpected_rows_query": "select a from {batch} where {changed}"},
}

ASKING = {**QUERY, "kwargs": {"unexpected_rows_query": "select a from {hours}"}}


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


@pytest.mark.parametrize("function", ["median", "quantile", "mode", "list", "array_agg"])
def test_no_expectation_keeps_all_values_of_a_column_in_memory(function: str) -> None:
    queries = [
        str(item.kwargs.get("unexpected_rows_query"))
        for suite in read_suites(EXPECTATIONS, CONFIG)
        for item in suite.expectations
    ]
    assert not [query for query in queries if re.search(rf"\b{function}\w*\(", query)]


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
        (
            {"expectations": [ASKING]},
            "expectations[0].kwargs.unexpected_rows_query: the suite has no counts called {hours}; "
            "a brace of its own is doubled",
        ),
        (
            {"counts": {"hours": "select 24"}, "expectations": [ASKING]},
            "counts.hours: must select from {batch}, once, and of nothing else",
        ),
        (
            {"counts": {"hours": "select a from {batch} where {changed}"}, "expectations": [ASKING]},
            "counts.hours: must select from {batch}, once, and of nothing else",
        ),
        (
            {"counts": {"hours": "select a from {batch}", "days": "select a from {batch}"}, "expectations": [ASKING]},
            "counts.days: no expectation asks of it",
        ),
        (
            {"counts": {"batch": "select a from {batch}"}},
            "counts.batch: has another meaning in a query",
        ),
        (
            {"counts": {"24 hours": "select a from {batch}"}},
            "counts.24 hours.[key]: String should match pattern '^[a-z]\\w*$', not '24 hours'",
        ),
        (
            {"expectations": [{**ONE, "scope": "all_months"}]},
            "expectations[0].scope: the suite names no partitions, so everything is evaluated on all rows",
        ),
        (
            {
                "partitions": ["trip_type", "source_month"],
                "expectations": [{**ONE, "type": "expect_column_values_to_be_unique"}],
            },
            "expectations[0].scope: expect_column_values_to_be_unique can't be told from some months; "
            "write scope: all_months",
        ),
        (
            {"partitions": ["source_month"], "source": "citibike", "expectations": [{**QUERY, "scope": "some_months"}]},
            "expectations[0].scope: Input should be 'changed_months', 'neighbouring_months' or 'all_months', "
            "not 'some_months'",
        ),
        (
            {"partitions": ["trip_type", "source_month"], "expectations": [QUERY]},
            "expectations[0].scope: {changed} is for a query with scope: all_months",
        ),
        (
            {"partitions": ["source_month"], "expectations": [{**ONE, "scope": "all_months"}]},
            "partitions: rows of several sources are told apart by trip_type; name it too",
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


@pytest.mark.parametrize(
    ("item", "told_from_parts"),
    [
        ({"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "a"}}, True),
        ({"type": "expect_column_to_exist", "kwargs": {"column": "a"}}, True),
        ({"type": "unexpected_rows_expectation", "kwargs": {"unexpected_rows_query": "select 1 from {batch}"}}, True),
        ({"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1}}, True),
        ({"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1, "max_value": 9}}, False),
        (
            {
                "type": "expect_table_row_count_to_be_between",
                "kwargs": {
                    "min_value": 1,
                    "row_condition": 'col("a") == "b"',
                    "condition_parser": "great_expectations",
                },
            },
            True,
        ),
        ({"type": "expect_column_unique_value_count_to_be_between", "kwargs": {"column": "a", "max_value": 2}}, False),
        ({"type": "expect_column_values_to_be_unique", "kwargs": {"column": "a"}}, False),
        ({"type": "expect_column_mean_to_be_between", "kwargs": {"column": "a", "min_value": 1}}, False),
    ],
)
def test_what_only_the_whole_table_tells_must_say_so(
    tmp_path: Path, item: dict[str, object], told_from_parts: bool
) -> None:
    path = written(tmp_path, partitions=["trip_type", "source_month"], expectations=[{**ONE, **item}])
    if told_from_parts:
        assert read(path).expectations[0].scope == "changed_months"
        return
    with pytest.raises(ConfigError, match="can't be told from some months"):
        read(path)
    path = written(
        tmp_path, partitions=["trip_type", "source_month"], expectations=[{**ONE, **item, "scope": "all_months"}]
    )
    assert read(path).expectations[0].scope == "all_months"
