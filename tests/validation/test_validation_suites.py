from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from luigi_pipeline.core.errors import ConfigError
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

ROWS = {"query": "select a from {batch} where a < 0", "why": "it is the key"}


def written(folder: Path, **changed: object) -> Path:
    path = folder / "dim_x.yml"
    path.write_text(yaml.safe_dump({"schema": "marts", "expectations": [ONE], **changed}), encoding="utf-8")
    return path


def read(path: Path) -> Suite:
    return read_suite(path, CONFIG)


def test_ten_suites_of_which_those_of_trips_see_changed_months_alone() -> None:
    suites = read_suites(EXPECTATIONS, CONFIG)
    assert [suite.name for suite in suites] == SUITES
    assert [suite.name for suite in suites if suite.by_month] == [
        "fct_trips",
        "stg_citibike__trips",
        "stg_tlc__yellow_taxi",
    ]


def test_only_statements_about_the_zone_lookup_warn() -> None:
    lesser = {
        suite.name
        for suite in read_suites(EXPECTATIONS, CONFIG)
        for item in suite.expectations
        if item.severity != "critical"
    }
    assert lesser == {"stg_tlc__taxi_zones"}


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
    kwargs = {"min_value": {"config": "validation.min_rows.weather"}, "column": "a"}
    suite = read(written(tmp_path, expectations=[{**ONE, "kwargs": kwargs}]))
    assert suite.expectations[0].kwargs == {"min_value": 100, "column": "a"}


def test_expectation_whose_value_is_not_set_is_skipped(tmp_path: Path) -> None:
    kwargs = {"min_value": {"config": "validation.min_rows.weather"}, "column": "a"}
    suite = read_suite(
        written(tmp_path, expectations=[ONE, {**ONE, "kwargs": kwargs}]),
        {"validation": {"min_rows": {"weather": None}}},
    )
    evaluated, skipped = suite.split({"weather"})
    assert ([item.kwargs for item in evaluated], len(skipped)) == ([{"column": "a"}], 1)


def test_query_is_an_expectation_of_no_rows_and_critical_unless_it_says_otherwise(tmp_path: Path) -> None:
    (item,) = read(written(tmp_path, expectations=[ROWS])).expectations
    assert (item.type, item.severity) == ("unexpected_rows_expectation", "critical")
    assert item.kwargs == {"unexpected_rows_query": ROWS["query"]}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"skema": "marts"}, "unknown key skema"),
        ({"name": "dim_y"}, "unknown key name"),
        ({"expectations": [{**ONE, "severty": "critical"}]}, "unknown key expectations[0].severty"),
        (
            {"expectations": [ONE, {**ONE, "severity": "fatal"}]},
            "expectations[1].severity: Input should be 'critical', 'warning' or 'info', not 'fatal'",
        ),
        (
            {"expectations": [{key: ONE[key] for key in ("type", "severity", "kwargs")}]},
            "missing key expectations[0].why",
        ),
        ({"source": "ferry"}, "source: is not one of yellow_taxi, citibike, weather, taxi_zones"),
        (
            {"expectations": [{**ONE, "kwargs": {"min_value": {"config": "validation.min_rows.bikes"}}}]},
            "expectations[0].kwargs.min_value: the configuration has no validation.min_rows.bikes",
        ),
        (
            {"expectations": [{**ONE, "kwargs": {"min_value": {"config": "a", "default": 3}}}]},
            "expectations[0].kwargs.min_value: write a value of the configuration as {config: its.key}",
        ),
        ({"expectations": [{**ROWS, "query": "select 1"}]}, "expectations[0]: its query must select from {batch}"),
        (
            {"expectations": [{**ROWS, "type": ONE["type"]}]},
            "expectations[0]: has a query beside type or kwargs; leave one of them out",
        ),
        ({"expectations": [{**ONE, "scope": "all_months"}]}, "unknown key expectations[0].scope"),
        (
            {"by_month": True, "expectations": [{**ONE, "type": "expect_column_values_to_be_unique"}]},
            "expectations[0]: is not about each row, and a suite with by_month sees some months only",
        ),
        (
            {
                "by_month": True,
                "expectations": [
                    {
                        **ONE,
                        "type": "expect_column_values_to_not_be_null",
                        "kwargs": {"column": "a", "mostly": 0.9},
                    }
                ],
            },
            "expectations[0]: is not about each row, and a suite with by_month sees some months only",
        ),
        (
            {"by_month": True, "expectations": [{**ROWS, "severity": "warning"}]},
            "expectations[0]: a warning would be forgotten with the next month; by_month is set",
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


def test_suite_of_a_source_that_is_not_there_is_skipped(tmp_path: Path) -> None:
    suite = read(written(tmp_path, source="citibike", expectations=[ONE, ROWS]))
    assert suite.split({"yellow_taxi", "weather"}) == ([], suite.expectations)
    assert suite.split({"citibike"}) == (suite.expectations, [])


CHANGED = {"yellow_taxi": ["2024-11"], "citibike": ["2024-12", "2024-11"]}


@pytest.mark.parametrize(
    ("suite", "months", "condition"),
    [
        ({"by_month": True}, None, None),
        ({}, CHANGED, None),
        ({"by_month": True}, {}, "false"),
        ({"by_month": True, "source": "yellow_taxi"}, {"citibike": ["2024-11"]}, "false"),
        (
            {"by_month": True, "source": "citibike"},
            CHANGED,
            "source_month between '2024-11' and '2024-12' and (source_month in ('2024-11', '2024-12'))",
        ),
        (
            {"by_month": True},
            CHANGED,
            "source_month between '2024-11' and '2024-12' and (source_month in ('2024-11') and "
            "trip_type = 'yellow_taxi' or source_month in ('2024-11', '2024-12') and trip_type = 'citibike')",
        ),
    ],
)
def test_suite_sees_the_changed_months_of_its_source(
    tmp_path: Path, suite: dict[str, object], months: dict[str, list[str]] | None, condition: str | None
) -> None:
    made = read(written(tmp_path, expectations=[ROWS], **suite))
    seen = made.sees(months)
    assert (None if seen is None else made.condition(seen)) == condition
