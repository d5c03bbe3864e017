"""The configuration: every key is checked, and what is wrong is told in one line with the key and the file."""

import datetime as dt
import re
import traceback
from pathlib import Path
from typing import Any

import pytest
import yaml
from fixtures import Run
from support import PROJECT, configuration, load_settings, merged

from luigi_pipeline.config.settings import Settings, Warehouse, model_of
from luigi_pipeline.core.errors import ConfigError
from luigi_pipeline.core.months import Month
from luigi_pipeline.sources import BLOCKS, MONTHLY, SOURCES

URL = "http://localhost:1"
MINIMAL: dict[str, Any] = {
    "sources": {
        "yellow_taxi": {"months": ["2024-09"]},
        "citibike": {"months": ["2024-09"]},
        "weather": {"start_date": "2024-09-01", "end_date": "2024-09-30"},
    }
}


def read(folder: Path, content: Any) -> Settings:
    path = folder / "ingestion.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content), encoding="utf-8")
    return load_settings(path)


def nested(key: str, value: Any) -> dict[str, Any]:
    """{"a": {"b": value}} of "a.b"."""
    first, _, rest = key.partition(".")
    return {first: nested(rest, value) if rest else value}


def test_all_but_months_and_dates_has_a_default(tmp_path: Path) -> None:
    settings = read(tmp_path, MINIMAL)
    assert settings.sources.yellow_taxi.enabled
    assert settings.sources.yellow_taxi.base_url == "https://d37ci6vzurychx.cloudfront.net"
    assert settings.sources.citibike.base_url == "https://s3.amazonaws.com/tripdata"
    assert settings.sources.weather.base_url == "https://archive-api.open-meteo.com/v1/archive"
    assert settings.sources.weather.location.model_dump() == {"latitude": 40.7128, "longitude": -74.006}
    download = settings.download
    assert (download.parallel, download.timeout_seconds, download.max_attempts) == (3, 120, 5)
    assert download.keep_landed is True
    assert (settings.warehouse.threads, settings.warehouse.memory_limit) == (2, "1GB")
    assert set(settings.validation.min_rows.model_dump().values()) == {None}


def test_the_project_s_own_configuration_is_that_of_the_three_publishers() -> None:
    settings = load_settings(PROJECT / "config" / "ingestion.yaml")
    assert settings.sources.yellow_taxi.months == ["2024-09", "2024-10", "2024-11"]
    assert settings.sources.citibike.months == ["2024-09", "2024-10", "2024-11"]
    assert settings.sources.weather.start_date == dt.date(2024, 9, 1)
    assert settings.sources.weather.end_date == dt.date(2024, 11, 30)


def test_from_and_to_stand_for_all_months_between_them_over_a_year_s_end(tmp_path: Path) -> None:
    months = {"from": "2023-11", "to": "2024-02"}
    settings = read(tmp_path, {"sources": MINIMAL["sources"] | {"citibike": {"months": months}}})
    assert settings.sources.citibike.months == ["2023-11", "2023-12", "2024-01", "2024-02"]


def test_a_month_named_twice_counts_once_and_months_are_in_order(tmp_path: Path) -> None:
    settings = read(tmp_path, merged(MINIMAL, nested("sources.yellow_taxi.months", ["2024-10", "2024-09", "2024-10"])))
    assert settings.sources.yellow_taxi.months == ["2024-09", "2024-10"]


@pytest.mark.parametrize("block", [{"enabled": False, "months": []}, {"enabled": False}])
def test_a_disabled_source_needs_no_months(tmp_path: Path, block: dict[str, Any]) -> None:
    sources = MINIMAL["sources"] | {"yellow_taxi": block, "weather": {"enabled": False}}
    settings = read(tmp_path, {"sources": sources})
    assert settings.sources.yellow_taxi.months == []
    assert settings.sources.weather.months == []


def test_dates_may_be_written_with_quotes_or_without(tmp_path: Path) -> None:
    text = yaml.safe_dump(MINIMAL).replace("'2024-09-01'", "2024-09-01").replace("'2024-09-30'", '"2024-09-30"')
    assert "start_date: 2024-09-01\n" in text
    weather = read(tmp_path, text).sources.weather
    assert (weather.start_date, weather.end_date) == (dt.date(2024, 9, 1), dt.date(2024, 9, 30))


def test_weather_months_are_those_that_the_dates_touch_and_are_cut_at_the_dates(tmp_path: Path) -> None:
    dates = {"start_date": "2024-09-29", "end_date": "2024-11-02"}
    weather = read(tmp_path, merged(MINIMAL, {"sources": {"weather": dates}})).sources.weather
    assert weather.months == ["2024-09", "2024-10", "2024-11"]
    assert weather.days(Month("2024-09")) == (dt.date(2024, 9, 29), dt.date(2024, 9, 30))
    assert weather.days(Month("2024-10")) == (dt.date(2024, 10, 1), dt.date(2024, 10, 31))
    assert weather.days(Month("2024-11")) == (dt.date(2024, 11, 1), dt.date(2024, 11, 2))


def test_a_slash_at_the_end_of_a_base_url_makes_no_difference(tmp_path: Path) -> None:
    settings = read(tmp_path, merged(MINIMAL, nested("sources.citibike.base_url", "http://localhost:9/tripdata/")))
    assert settings.sources.citibike.base_url == "http://localhost:9/tripdata"


@pytest.mark.parametrize(
    "key",
    [
        "surces",
        "sources.yellow_taxy",
        "sources.yellow_taxi.month",
        "sources.citibike.url",
        "sources.weather.latitude",
        "sources.weather.location.lat",
        "download.paralel",
        "warehouse.memory",
        "validation.minimum",
        "validation.min_rows.taxi",
    ],
)
def test_an_unknown_key_is_named_with_the_file(tmp_path: Path, key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, merged(MINIMAL, nested(key, 1)))
    assert str(caught.value) == f"{tmp_path / 'ingestion.yaml'}: unknown key {key}"


def test_without_sources_the_missing_key_is_named_with_the_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, {})
    assert str(caught.value) == f"{tmp_path / 'ingestion.yaml'}: missing key sources"


@pytest.mark.parametrize("name", MONTHLY)
def test_a_source_that_is_not_named_is_disabled(tmp_path: Path, name: str) -> None:
    settings = read(tmp_path, {"sources": {key: it for key, it in MINIMAL["sources"].items() if key != name}})
    assert {it: settings.source(it).enabled for it in MONTHLY} == {it: it != name for it in MONTHLY}
    assert SOURCES[name].months(settings) == []


@pytest.mark.parametrize("sources", [{}, {name: {"enabled": False} for name in MONTHLY}, {"zones": {}}])
def test_without_any_enabled_source_one_line_says_so(tmp_path: Path, run_luigi: Run, sources: dict[str, Any]) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump({"sources": sources}), encoding="utf-8")
    result = run_luigi("Publish", data_dir=tmp_path / "data", config=file)
    assert result.returncode == 40
    names = ", ".join(MONTHLY)
    assert result.stderr == f"error: {file}: sources: no source is enabled; name at least one of {names}\n"
    assert not (tmp_path / "data").exists()


WRONG = [
    ("sources", [1]),
    ("sources.yellow_taxi", "all"),
    ("sources.yellow_taxi.enabled", "yes please"),
    ("sources.yellow_taxi.enabled", 1),
    ("sources.yellow_taxi.base_url", 5),
    ("sources.yellow_taxi.base_url", "d37ci6vzurychx.cloudfront.net"),
    ("sources.yellow_taxi.base_url", "ftp://example.org"),
    ("sources.yellow_taxi.base_url", "file:///etc/passwd"),
    ("sources.yellow_taxi.base_url", "http://"),
    ("sources.yellow_taxi.base_url", "http://host:port/"),
    ("sources.yellow_taxi.base_url", "http://example.org/a b"),
    ("sources.yellow_taxi.base_url", "http://example.org/\n"),
    ("sources.yellow_taxi.usual_delay_days", -1),
    ("sources.zones.base_url", "ftp://example.org"),
    ("sources.citibike.usual_delay_days", "a week"),
    ("sources.weather.usual_delay_days", 1.5),
    ("alerts.email", "ops@example.org"),
    ("alerts.webhook", "hooks.slack.com"),
    ("alerts.overdue_days", -1),
    ("alerts.timeout_seconds", 0),
    ("sources.yellow_taxi.months", []),
    ("sources.yellow_taxi.months", "2024-09"),
    ("sources.yellow_taxi.months", ["2024-13"]),
    ("sources.yellow_taxi.months", ["2024-9"]),
    ("sources.yellow_taxi.months", ["2024-09-01"]),
    ("sources.yellow_taxi.months", [202409]),
    ("sources.yellow_taxi.months", [dt.date(2024, 9, 1)]),
    ("sources.yellow_taxi.months", None),
    ("sources.citibike.months", ["24-09"]),
    ("sources.weather.start_date", "2024-9-1"),
    ("sources.weather.start_date", "2024-02-30"),
    ("sources.weather.end_date", 20240930),
    ("sources.weather.end_date", dt.datetime(2024, 9, 30, 1)),
    ("sources.weather.location.latitude", 91),
    ("sources.weather.location.latitude", "40.7"),
    ("sources.weather.location.longitude", -181),
    ("sources.weather.calls_per_minute", 0),
    ("download.parallel", 0),
    ("download.parallel", 2.5),
    ("download.parallel", "3"),
    ("download.parallel", True),
    ("download.timeout_seconds", 0),
    ("download.timeout_seconds", "soon"),
    ("download.max_attempts", 0),
    ("download.backoff_seconds", -1),
    ("download.keep_landed", "no thanks"),
    ("download.max_file_bytes", 0),
    ("download.max_archive_bytes", 0),
    ("download.max_archive_members", 0),
    ("download.max_archive_ratio", 1),
    ("warehouse.threads", 0),
    ("warehouse.memory_limit", "lots"),
    ("warehouse.memory_limit", 1),
    ("warehouse.wait_seconds", -1),
    ("validation.min_rows", 5),
    ("validation.block_on", "info"),
    ("validation.accepted", {"source": "weather"}),
    ("validation.accepted_file", ["accepted.yaml"]),
    ("validation.min_rows.weather", -1),
    ("validation.min_rows.weather", "100"),
]


@pytest.mark.parametrize(("key", "value"), WRONG, ids=[f"{key}={value!r}" for key, value in WRONG])
def test_a_wrong_value_is_one_line_with_key_and_file(tmp_path: Path, key: str, value: Any) -> None:
    content = merged(MINIMAL, nested(key, value))
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, content)
    message = str(caught.value)
    assert "\n" not in message
    # An empty list of months is told of the block: it is fine where the source is disabled.
    told = key.removesuffix(".months") if value == [] else key
    assert message.startswith(f"{tmp_path / 'ingestion.yaml'}: {told}"), message
    assert key.rpartition(".")[2] in message


@pytest.mark.parametrize(
    "text",
    [
        "sources: {yellow_taxi: {base_url: 'https://user:hush@h/x'",
        "sources: {yellow_taxi: {base_url: ftp://user:hush@h/x, months: []}, citibike: {}, weather: {}}",
        "sources: {yellow_taxi: {base_url: 'https://user:hu/hush@h/x'}, citibike: {}, weather: {}}",
        "sources: {yellow_taxi: {base_url: 'https://user:12/hush@h/x'}, citibike: {}, weather: {}}",
        "sources: {yellow_taxi: {base_url: 'https://h /x?apikey=hush'}, citibike: {}, weather: {}}",
    ],
)
def test_a_password_is_not_told_where_its_url_is_wrong(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert "hush" not in str(caught.value)
    assert "hush" not in "".join(traceback.format_exception(caught.value)), "the log has what it came of"


def test_every_key_of_every_block_is_checked() -> None:
    """A key that is added to the configuration needs a wrong value above."""

    def keys(model: Any, prefix: str = "") -> set[str]:
        found = set()
        for name, field in model.model_fields.items():
            inner = field.annotation
            found |= keys(inner, f"{prefix}{name}.") if hasattr(inner, "model_fields") else {f"{prefix}{name}"}
        return found

    alike = {"sources.citibike.enabled", "sources.citibike.base_url", "sources.weather.enabled"}
    alike |= {"sources.weather.base_url", "validation.min_rows.yellow_taxi", "validation.min_rows.citibike"}
    unchecked = keys(model_of(BLOCKS)) - {key for key, _ in WRONG} - alike
    assert unchecked == {"download.max_wait_seconds"}


def test_a_negative_longest_wait_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"download\.max_wait_seconds: "):
        read(tmp_path, merged(MINIMAL, nested("download.max_wait_seconds", -1)))


@pytest.mark.parametrize(
    ("months", "complaint"),
    [
        ({"from": "2024-11", "to": "2024-09"}, r"from \(2024-11\) is after to \(2024-09\)"),
        ({"from": "2024-11"}, "must be a list of months or"),
        ({"from": "2024-09", "to": "2024-11", "step": 1}, "must be a list of months or"),
        ({"from": "2024-09", "to": "2024-1"}, "'2024-1' is not a month"),
    ],
)
def test_a_wrong_span_of_months_is_refused(tmp_path: Path, months: dict[str, Any], complaint: str) -> None:
    sources = MINIMAL["sources"] | {"citibike": {"months": months}}
    with pytest.raises(ConfigError, match=rf"ingestion\.yaml: sources\.citibike\.months: {complaint}"):
        read(tmp_path, {"sources": sources})


def test_a_start_after_the_end_names_both_dates(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"sources\.weather: start_date \(2024-10-01\) is after end_date"):
        read(tmp_path, merged(MINIMAL, nested("sources.weather.start_date", "2024-10-01")))


@pytest.mark.parametrize("missing", ["start_date", "end_date"])
def test_enabled_weather_needs_both_dates(tmp_path: Path, missing: str) -> None:
    weather = {key: day for key, day in MINIMAL["sources"]["weather"].items() if key != missing}
    with pytest.raises(ConfigError, match=r"sources\.weather: start_date and end_date are needed"):
        read(tmp_path, {"sources": MINIMAL["sources"] | {"weather": weather}})


@pytest.mark.parametrize(
    "text", ["", "- a\n- b\n", "just text", "sources: [\n", "\tsources: 1", "sources: !!python/x 1"]
)
def test_a_file_that_is_no_configuration_is_one_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert str(tmp_path / "ingestion.yaml") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_text_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "ingestion.yaml").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(ConfigError, match=r"ingestion\.yaml: is not YAML"):
        load_settings(tmp_path / "ingestion.yaml")


def test_a_missing_file_and_a_folder_are_one_line(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.yaml", tmp_path):
        with pytest.raises(ConfigError, match=f"{re.escape(str(path))}: can't be read"):
            load_settings(path)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"downlaod": {}}, "unknown key downlaod"),
        ({"sources": {"weather": {"start_date": "2024-12-01"}}}, "sources.weather: start_date (2024-12-01) is after"),
        ({"sources": {"citibike": {"months": ["2024-9"]}}}, "sources.citibike.months: '2024-9' is not a month"),
    ],
)
def test_a_wrong_configuration_stops_the_command_before_anything_is_touched(
    tmp_path: Path,
    run_luigi: Run,
    changes: dict[str, Any],
    told: str,
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(configuration(URL, changes)), encoding="utf-8")
    result = run_luigi("Ingest", data_dir=tmp_path / "data", config=file)
    assert result.returncode == 40
    assert result.stderr.count("\n") == 1, result.stderr
    assert result.stderr.startswith(f"error: {file}: {told}")
    assert "Traceback" not in result.stderr + result.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.yaml"]


def test_memory_is_shared_out_in_the_unit_that_it_was_given_in() -> None:
    typist, writer = Warehouse(memory_limit="1.5 GiB").share(0.25, threads=1), Warehouse().share(0.75, threads=2)
    assert (typist.memory_limit, typist.threads) == ("0.375GiB", 1)
    assert (writer.memory_limit, writer.threads) == ("0.750GB", 2)
