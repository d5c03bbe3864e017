"""The report of what is not as usual: a source disabled, a month missing, one month only, nothing at all."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from browser import Look, Opened

from luigi_pipeline.config.settings import Settings
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.report import making, notice

Change = Callable[[DataDir, str], None]

_NO_BIKES = """
    delete from marts.fct_trips where trip_type = 'citibike';
    delete from marts.fct_hourly_mobility where trip_type = 'citibike';
    delete from marts.rain_hours where trip_type = 'citibike';
    delete from marts.month_profiles where source = 'citibike';
    delete from marts.covered_days where trip_type = 'citibike';
    update marts.dim_date set covering_modes = 'yellow_taxi' where covering_modes is not null;
    delete from meta.lineage where source = 'citibike';
"""
_NO_TAXIS = """
    delete from marts.fct_trips where trip_type = 'yellow_taxi';
    delete from marts.fct_hourly_mobility where trip_type = 'yellow_taxi';
    delete from marts.rain_hours where trip_type = 'yellow_taxi';
    delete from marts.month_profiles where source = 'yellow_taxi';
    delete from marts.covered_days where trip_type = 'yellow_taxi';
    update marts.dim_date set covering_modes = 'citibike' where covering_modes is not null;
    delete from meta.lineage where source = 'yellow_taxi';
    delete from marts.dim_location;
"""
_NO_OCTOBER = """
    delete from marts.fct_trips where source_month = '2024-10';
    delete from marts.fct_hourly_mobility where date_day < '2024-11-01';
    delete from marts.rain_hours where date_day < '2024-11-01';
    delete from marts.month_profiles where source_month = '2024-10';
    delete from marts.covered_days where date_day < '2024-11-01';
    delete from marts.dim_date where date_day < '2024-11-01';
"""
_NO_BIKES_IN_NOVEMBER = """
    delete from marts.fct_trips where trip_type = 'citibike' and source_month = '2024-11';
    delete from marts.fct_hourly_mobility where trip_type = 'citibike' and date_day >= '2024-11-01';
    delete from marts.covered_days where trip_type = 'citibike' and date_day >= '2024-11-01';
    update marts.covered_days set is_covered_by_all_modes = false where date_day >= '2024-11-01';
    update marts.dim_date set covering_modes = 'yellow_taxi', is_covered_by_all_modes = false
    where date_day >= '2024-11-01' and covering_modes is not null;
"""
_NO_WEATHER = """
    update marts.dim_weather set temperature_celsius = null, precipitation_mm = null,
        precipitation_type = 'unknown', temperature_category = 'unknown';
    delete from marts.rain_hours;
    delete from marts.month_profiles where source = 'weather';
"""
_CHARTS = 19  # beside those of the months' profiles


def _drop_months(data: DataDir, source: str, *months: str) -> None:
    for path in (data.markers / "LoadMonth" / source).glob("*.json"):
        if not months or path.stem in months:
            path.unlink()


def _words(opened: Opened) -> str:
    assert opened.complaints == []
    assert opened.page.locator("text=could not be drawn").count() == 0
    return str(opened.page.inner_text("main"))


def _drawn(opened: Opened) -> int:
    return int(opened.page.evaluate("document.documentElement.dataset.drawn")) - _profiles(opened)


def _profiles(opened: Opened) -> int:
    return int(opened.page.locator("#profiles svg").count())


def test_a_disabled_source_without_months_is_nowhere_and_the_rest_is_shown(
    copy: DataDir, change: Change, settings_of: Callable[..., Settings], look: Look
) -> None:
    settings = settings_of(citibike={"enabled": False})
    change(copy, _NO_BIKES)
    _drop_months(copy, "citibike")
    opened = look(making.make(copy, settings))
    words = _words(opened)
    assert "CitiBike is disabled" not in words
    assert "CitiBike" not in opened.page.inner_text("#calendar") + opened.page.inner_text("#daily .chart")
    assert opened.page.locator("input[name=mode]").count() == 1
    assert _drawn(opened) == _CHARTS - 2, "the week has one mode, and there are no shares"
    assert _profiles(opened) > 0
    assert "CitiBike" not in opened.page.inner_text("#profiles")


def test_without_taxis_places_and_money_say_why_they_are_empty(
    copy: DataDir, change: Change, settings_of: Callable[..., Settings], look: Look
) -> None:
    settings = settings_of(yellow_taxi={"enabled": False})
    change(copy, _NO_TAXIS)
    _drop_months(copy, "yellow_taxi")
    opened = look(making.make(copy, settings))
    assert "Yellow taxi" not in opened.page.inner_text("#calendar")
    for name in ("zones", "boroughs", "airports", "flows", "fares", "payments", "tips"):
        assert "their source is disabled" in opened.page.inner_text(f"#{name}")
        assert opened.page.locator(f"#{name} button").count() == 0


def test_without_weather_its_charts_say_so(
    copy: DataDir, change: Change, settings_of: Callable[..., Settings], look: Look
) -> None:
    settings = settings_of(weather={"enabled": False})
    change(copy, _NO_WEATHER)
    _drop_months(copy, "weather")
    opened = look(making.make(copy, settings))
    assert "Weather" not in opened.page.inner_text("#calendar")
    for name in ("effects", "temperature"):
        assert "There is no weather in what is published" in opened.page.inner_text(f"#{name}")


def test_a_month_that_one_source_lacks_is_a_gap_and_not_a_zero(
    copy: DataDir, change: Change, settings_of: Callable[..., Settings], look: Look
) -> None:
    change(copy, _NO_BIKES_IN_NOVEMBER)
    _drop_months(copy, "citibike", "2024-11")
    opened = look(making.make(copy, settings_of()))
    assert "CitiBike has no data for 2024-11" in _words(opened)
    assert opened.page.locator("#calendar td.missing").count() == 1
    held = json.loads(opened.page.evaluate("document.getElementById('content').textContent"))["datasets"]["daily"]
    days, modes = ([it["texts"][at] for at in it["numbers"]] for it in (held["day"], held["mode"]))
    in_november = [
        trips
        for day, mode, trips in zip(days, modes, held["trips"], strict=True)
        if mode == "CitiBike" and day >= "2024-11-01"
    ]
    assert in_november == [None] * 30


def test_months_missing_between_others_are_a_warning_and_no_line_runs_through_them(
    copy: DataDir, change: Change, settings_of: Callable[..., Settings], look: Look
) -> None:
    path = copy.markers / "LoadMonth" / "yellow_taxi" / "2024-10.json"
    marker = json.loads(path.read_text())
    for month in ("2024-04", "2024-08"):
        marker["parameters"]["month"] = month
        path.with_name(f"{month}.json").write_text(json.dumps(marker))
    days = "between '2024-10-20' and '2024-11-09'"
    taxis = "trip_type = 'yellow_taxi' and {} " + days
    change(
        copy,
        f"delete from marts.fct_trips where {taxis.format('pickup_date')};"
        f"delete from marts.fct_hourly_mobility where {taxis.format('date_day')};"
        f"delete from marts.covered_days where {taxis.format('date_day')};"
        f"update marts.covered_days set is_covered_by_all_modes = false where date_day {days};"
        "update marts.dim_date set covering_modes = 'citibike', is_covered_by_all_modes = false "
        f"where date_day {days};",
    )
    opened = look(making.make(copy, settings_of()))
    told = "Yellow taxi has no data for 2024-05 to 2024-07 and 2024-09: charts have a gap there."
    assert told in _words(opened)
    for figure in ("daily", "fares", "revenue"):
        drawn = opened.page.locator(f"#{figure} svg .mark-line path >> nth=0").get_attribute("d")
        assert drawn is not None
        assert drawn.count("M") == 2, f"{figure} is drawn in two pieces"


def test_one_month_is_enough(copy: DataDir, change: Change, settings_of: Callable[..., Settings], look: Look) -> None:
    only = {"months": ["2024-11"]}
    settings = settings_of(yellow_taxi=only, citibike=only, weather={"start_date": "2024-11-01"})
    change(copy, _NO_OCTOBER)
    for source in ("yellow_taxi", "citibike", "weather"):
        _drop_months(copy, source, "2024-10")
    opened = look(making.make(copy, settings))
    _words(opened)
    assert _drawn(opened) == _CHARTS
    assert _profiles(opened) == 0
    assert opened.page.input_value("input[name=first]") == "2024-11-01"


def test_nothing_at_all_is_said_in_words(
    copy: DataDir, change: Change, settings_of: Callable[..., Settings], look: Look
) -> None:
    sources = ("yellow_taxi", "citibike", "weather")
    settings = settings_of()
    for source in sources:
        _drop_months(copy, source)
    change(copy, _NO_BIKES + _NO_TAXIS + _NO_WEATHER + "delete from marts.dim_weather; delete from marts.dim_date;")
    opened = look(making.make(copy, settings))
    words = _words(opened)
    assert "There are no trips in what is published." in opened.page.inner_text("header")
    assert words.count("has no data for 2024-10 to 2024-11") == 3
    assert _drawn(opened) == 0


def test_a_check_of_severity_warning_that_fails_is_told_on_top(
    copy: DataDir, settings_of: Callable[..., Settings]
) -> None:
    path = copy.validation / "report.json"
    report = json.loads(path.read_text())
    report["results"][5] |= {
        "status": "failed",
        "severity": "warning",
        "why": "Trips <b>should</b> be few.",
        "column": "x",
    }
    path.write_text(json.dumps(report))
    text = making.make(copy, settings_of()).read_text(encoding="utf-8")
    assert "Something to look at" in text
    assert "did not pass: <q>Trips &lt;b&gt;should&lt;/b&gt; be few.</q>" in text
    assert "All is well" not in text


def test_a_failed_validation_is_told_on_the_page_that_stands_and_taken_back(copy: DataDir, look: Look) -> None:
    page = copy.report / "index.html"
    before = page.read_bytes()
    notice.show(copy, [f"fct_trips: check {number} failed: <script>alert(1)</script>" for number in range(7)])
    opened = look(page)
    said = opened.page.inner_text("[role=alert]")
    assert "The newest validation failed" in said
    assert "last version that passed its checks" in said
    assert "<script>alert(1)</script>" in said
    assert "And 2 more" in said
    notice.show(copy, ["another"])
    assert page.read_text(encoding="utf-8").count('role="alert"') == 1
    notice.show(copy, [])
    assert page.read_bytes() == before


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe no page of ours"])
def test_a_page_that_is_gone_or_not_ours_does_not_stand_in_the_way(copy: DataDir, content: bytes | None) -> None:
    page = copy.report / "index.html"
    page.unlink()
    if content is not None:
        page.write_bytes(content)
    notice.show(copy, ["a check failed"])
    assert (page.read_bytes() if page.exists() else None) == content


def test_a_report_that_can_t_be_made_leaves_the_old_one(
    copy: DataDir, change: Change, settings_of: Callable[..., Settings]
) -> None:
    page = copy.report / "index.html"
    before = page.read_bytes()
    change(copy, "drop table marts.rain_hours")
    with pytest.raises(Exception, match="rain_hours"):
        making.make(copy, settings_of())
    assert page.read_bytes() == before
    assert sorted(path.name for path in Path(copy.report.parent).iterdir()) == [
        "nyc_mobility.duckdb",
        "parquet",
        "report",
    ]
