"""The report, opened from disk in a real browser: what it shows, and that it needs nothing else."""

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import Look
from fixtures import Ingested

from luigi_pipeline import metrics

_MOST_BYTES = 5_000_000
_CHARTS = 31
_COVERED = "covering_modes like '%' || trip_type || '%'"
_ROWS = """name => {
    const held = JSON.parse(document.getElementById("content").textContent).datasets[name];
    const columns = Object.entries(held).map(([key, it]) =>
        [key, Array.isArray(it) ? it : it.numbers.map(at => at < 0 ? null : it.texts[at])]);
    return columns[0][1].map((_, at) => Object.fromEntries(columns.map(([key, values]) => [key, values[at]])));
}"""


@pytest.fixture
def report(published: Ingested) -> Path:
    return published.data.report / "index.html"


def test_the_report_is_one_small_file_that_asks_nobody_for_anything(report: Path, look: Look) -> None:
    assert report.stat().st_size < _MOST_BYTES
    opened = look(report)
    assert opened.page.evaluate("document.documentElement.dataset.drawn") == str(_CHARTS)
    assert opened.page.locator("[data-chart] svg").count() == _CHARTS
    assert opened.complaints == []
    opened.page.mouse.wheel(0, 4000)
    opened.page.hover("#daily .chart")
    assert [url for url in opened.requests if not url.startswith(("data:", "blob:"))] == [report.as_uri()]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light")])
def test_axe_finds_no_serious_fault(report: Path, look: Look, width: int, scheme: str) -> None:
    page = look(report, width=width, color_scheme=scheme).page
    page.click("[data-table=daily]")
    page.wait_for_selector("#daily .numbers table")
    found = Axe().run(page).response["violations"]
    serious = [
        (fault["id"], fault["nodes"][0]["html"][:200]) for fault in found if fault["impact"] in ("serious", "critical")
    ]
    assert serious == []
    width_of_page = page.evaluate("document.documentElement.scrollWidth")
    assert width_of_page <= width, "nothing is wider than the screen"


def test_dark_mode_is_dark_and_print_is_light(report: Path, look: Look) -> None:
    lightness = "getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).reduce((a, b) => a + Number(b), 0)"
    opened = look(report, color_scheme="dark")
    assert opened.page.evaluate(lightness) < 150
    text = "getComputedStyle(document.querySelector('#daily svg .role-axis-label text')).fill"
    on_dark = opened.page.evaluate(text)
    opened.page.emulate_media(media="print", color_scheme="dark")
    assert opened.page.evaluate(lightness) > 700
    assert opened.page.evaluate(text) != on_dark
    assert not opened.page.locator("form.filter").is_visible()
    assert len(opened.page.pdf(format="A4")) > 50_000


def test_the_numbers_in_the_page_are_those_of_the_metrics(report: Path, published: Ingested, look: Look) -> None:
    page = look(report).page
    root = published.data.root

    def asked(names: str | list[str], by: list[str], where: str = _COVERED) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = metrics.query(names, by, where, data_dir=root).to_pylist()
        return rows

    modes = {"yellow_taxi": "Yellow taxi", "citibike": "CitiBike"}
    daily = {(row["day"], row["mode"]): row["trips"] for row in page.evaluate(_ROWS, "daily")}
    expected = {
        (f"{row['trip_date__day']:%Y-%m-%d}", modes[row["trip_type"]]): row["total_trips"]
        for row in asked("total_trips", ["trip_date__day", "trip_type"])
    }
    assert len(daily) == 2 * 61
    assert daily == expected

    hourly: dict[tuple[str, str], int] = {}
    for row in page.evaluate(_ROWS, "hourly"):
        hourly[row["day"], row["mode"]] = hourly.get((row["day"], row["mode"]), 0) + row["trips"]
    assert hourly == daily

    for name, dimension, column in (
        ("durations", "duration_band_minutes", "minutes"),
        ("distances", "distance_band_miles", "miles"),
    ):
        shown = {(row["month"], row["mode"], row[column]): row["trips"] for row in page.evaluate(_ROWS, name)}
        where = f"{dimension} is not null"
        by = ["trip_date__month", "trip_type", dimension]
        assert shown == {
            (f"{row['trip_date__month']:%Y-%m}", modes[row["trip_type"]], row[dimension]): row["total_trips"]
            for row in metrics.query("total_trips", by, [where, _COVERED], data_dir=root).to_pylist()
        }
    (row,) = asked("yellow_taxi_trips", [], f"trip_type = 'yellow_taxi' and ({_COVERED})")
    for direction in ("Pick-up", "Drop-off"):
        zones = [zone for zone in page.evaluate(_ROWS, "zones") if zone["direction"] == direction]
        assert sum(zone["trips"] for zone in zones) == row["yellow_taxi_trips"]
    assert sum(flow["trips"] for flow in page.evaluate(_ROWS, "flows")) == row["yellow_taxi_trips"]

    effects = {(row["condition"], row["mode"]): row["effect"] for row in page.evaluate(_ROWS, "effects")}
    for row in metrics.query("rain_effect_pct", ["trip_type"], data_dir=root).to_pylist():
        assert effects["Rain", modes[row["trip_type"]]] == pytest.approx(row["rain_effect_pct"], abs=0.001)


def test_the_share_of_a_day_is_that_of_the_metric(report: Path, published: Ingested, look: Look) -> None:
    page = look(report).page
    by_day: dict[str, dict[str, int]] = {}
    for row in page.evaluate(_ROWS, "daily"):
        by_day.setdefault(row["day"], {})[row["mode"]] = row["trips"]
    asked = metrics.query("citibike_mode_share_pct", ["trip_date__day"], data_dir=published.data.root)
    for row in asked.to_pylist():
        day = by_day[f"{row['trip_date__day']:%Y-%m-%d}"]
        assert 100 * day["CitiBike"] / sum(day.values()) == pytest.approx(row["citibike_mode_share_pct"])


def test_the_filter_changes_charts_numbers_and_csv(report: Path, published: Ingested, look: Look) -> None:
    page = look(report).page
    shown = page.locator("#shown")
    lines = page.locator("#daily svg .mark-line path")
    assert lines.count() == 2
    page.uncheck("input[value=CitiBike]")
    page.fill("input[name=first]", "2024-10-08")
    page.fill("input[name=last]", "2024-10-14")
    page.dispatch_event("input[name=last]", "change")
    (row,) = metrics.query(
        "yellow_taxi_trips", [], [_COVERED], start="2024-10-08", end="2024-10-14", data_dir=published.data.root
    ).to_pylist()
    page.wait_for_function("document.querySelectorAll('#daily svg .mark-line path').length === 1")
    assert shown.inner_text().startswith(f"{row['yellow_taxi_trips']:,} trips on 2024-10-08 to 2024-10-14")
    with page.expect_download() as download:
        page.click("[data-csv=daily]")
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8"))))
    assert download.value.suggested_filename == "nyc_mobility_daily.csv"
    assert [row["day"] for row in rows] == [f"2024-10-{day:02}" for day in range(8, 15)]
    assert sum(int(line["trips"]) for line in rows) == row["yellow_taxi_trips"]
    page.click("button[type=reset]")
    page.wait_for_function("document.querySelectorAll('#daily svg .mark-line path').length === 2")
    assert re.match(r"19,\d\d\d trips on 2024-10-01 to 2024-11-30$", shown.inner_text())


def test_the_report_can_be_used_by_keyboard_alone(report: Path, look: Look) -> None:
    page = look(report).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.focus("[data-table=zones]")
    page.keyboard.press("Enter")
    table = page.locator("#zones .numbers table")
    table.wait_for()
    assert table.locator("tbody tr").count() > 100
    assert page.get_attribute("[data-table=zones]", "aria-expanded") == "true"
    page.keyboard.press("Enter")
    assert not table.is_visible()
    page.focus("input[value=CitiBike]")
    page.keyboard.press("Space")
    page.wait_for_function("document.querySelectorAll('#daily svg .mark-line path').length === 1")


def test_every_chart_has_a_title_with_its_unit_a_sentence_a_description_and_its_data(report: Path, look: Look) -> None:
    page = look(report).page
    for figure in page.locator("figure").all():
        name = figure.get_attribute("id")
        if name != "profiles":  # each of its charts has a unit of its own
            assert re.search(r"[Tt]rips|%|dollars", figure.locator("h3").inner_text()), name
        assert figure.locator(".sentence").inner_text().endswith("."), name
        assert figure.locator("[data-csv]").count() == 1, name
        for chart in figure.locator(".chart").all():
            assert len(chart.get_attribute("aria-label") or "") > 40, name


def test_a_tooltip_says_the_number_with_its_name(report: Path, look: Look) -> None:
    page = look(report).page
    page.hover("#payments svg .mark-rect path >> nth=0")
    tooltip = page.locator("#vg-tooltip-element.visible")
    tooltip.wait_for()
    assert re.search(r"Payment\s+\w[\s\S]+Average fare\s+\$\d+\.\d\d", tooltip.inner_text())


def test_the_quality_section_tells_months_files_and_checks(report: Path, look: Look) -> None:
    page = look(report).page
    assert page.locator("#calendar td.loaded").count() == 6
    assert "5,000" in page.inner_text("#calendar")
    files = page.locator("#files tbody tr")
    assert files.count() == 9
    assert {row.locator("td").last.inner_text() for row in files.all()} == {"yes"}
    assert page.locator("#history tbody tr").count() == 1
    assert page.locator("#checks tbody tr").count() == 11
    assert re.search(r"CitiBike\s+10,000\s+9,997\s+3\s", page.inner_text("#conservation"))
    assert re.search(r"\d+ of \d+ checks passed", page.inner_text("header"))


def test_data_docs_and_dbt_docs_open_from_disk_and_ask_nobody(report: Path, look: Look) -> None:
    page = look(report).page
    links = {link.inner_text(): link.get_attribute("href") or "" for link in page.locator("nav .site a").all()}
    assert links == {"Data Docs": "data_docs/index.html", "dbt docs": "dbt_docs/index.html"}

    docs = look(report.parent / links["Data Docs"], drawn=False)
    docs.page.click("text=fct_trips")
    docs.page.wait_for_load_state()
    assert "fct_trips" in docs.page.inner_text("body")

    dbt_docs = report.parent / links["dbt docs"]
    dbt = look(dbt_docs, drawn=False, fragment="#!/model/model.nyc_mobility.fct_trips")
    dbt.page.wait_for_selector("text=One row per trip, taxi or bike")
    columns = dbt.page.locator("tr", has_text="pickup_at_nyc").first
    assert "timestamp" in columns.inner_text().lower()
    graph = look(dbt_docs, drawn=False, fragment="#!/model/model.nyc_mobility.fct_trips?g_v=1&g_i=%2Bfct_trips")
    graph.page.wait_for_selector("text=Lineage Graph")
    graph.page.wait_for_selector("canvas >> nth=0", state="attached")
    for opened in (docs, dbt, graph):
        assert [url for url in opened.requests if not url.startswith(("file:", "data:", "blob:"))] == []
        assert opened.failed == []
        assert opened.complaints == []
