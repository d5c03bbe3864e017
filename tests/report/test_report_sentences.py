"""Every number in a sentence of the page is that of the metric which the sentence states."""

import datetime as dt
import json
import re
from collections.abc import Callable
from typing import Any

import duckdb
import pytest
from browser import Look
from constellations import CONSTELLATIONS, Published

from luigi_pipeline import metrics
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.state import markers

# All sentences and tiles, without the tables and charts beside them; and in them, what states a number. Dates are
# times, and what others have written is a quotation.
_SENTENCES = """() => [...document.querySelectorAll("header p, main p, main li, main dd, main h2")]
    .filter(it => !it.closest("table, .chart, .numbers, form fieldset"))
    .map(it => {
        const stated = [it, ...it.querySelectorAll("*")].filter(part => part.dataset.metric || part.dataset.fact)
            .map(part => ({...part.dataset, text: part.textContent}));
        const left = it.cloneNode(true);
        if (it.dataset.metric) left.textContent = "";
        for (const part of left.querySelectorAll("[data-metric], [data-fact], time, q")) part.remove();
        return {text: it.textContent, left: left.textContent, stated};
    })
    .filter(it => it.text.trim())
"""
_ISO_DATE = re.compile(r"\b\d{4}-\d\d(-\d\d)?\b")
_MONTH = re.compile(
    r"\b(January|February|March|April|May|June|July|August|September|October|November|December) \d{4}\b"
)
_NUMBER = re.compile(r"[+-]?\d[\d,]*(?:\.\d+)?")


@pytest.fixture(scope="module", params=["two whole months", *CONSTELLATIONS])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def made(name: str, request: pytest.FixtureRequest, constellation: Callable[[str], Published]) -> Any:
    return request.getfixturevalue("published") if name == "two whole months" else constellation(name)


def without_dates(text: str) -> str:
    return _MONTH.sub("", _ISO_DATE.sub("", text))


def test_every_number_in_a_sentence_is_that_of_the_metric_which_it_states(
    name: str, made: Published, look: Look
) -> None:
    sentences = look(made.data.report / "index.html").page.evaluate(_SENTENCES)
    unstated = [it["text"] for it in sentences if re.search(r"\d", without_dates(it["left"]))]
    assert unstated == []
    stated = [part for it in sentences for part in it["stated"]]
    wrong = [(part, found) for part in stated if (found := why_wrong(part, made.data)) is not None]
    assert wrong == []
    assert len(stated) > 20


def why_wrong(part: dict[str, str], data: DataDir) -> object:
    """What a part of a sentence should say, where it says something else."""
    if "fact" in part:
        expected = fact(part["fact"], data)
        return None if part["text"] == f"{expected:,}" else expected
    groups = answer(part, data)
    values = {key: value for key, value in groups.items() if value is not None}
    picked = {"": values, "most": most(values, 1), "least": most(values, -1)}.get(part.get("pick", ""))
    if picked is None:
        picked = {key: value for key, value in values.items() if key == (part["pick"],)}
    if part.get("of") == "key":
        return None if any(part["text"] == said(key) for key in picked) else picked
    whole = sum(values.values()) / 100 if part.get("of") == "share" else 1
    return None if picked and all(shows(part["text"], value / whole) for value in picked.values()) else picked


def answer(part: dict[str, str], data: DataDir) -> dict[tuple[str, ...], float | None]:
    """The metric, or the ratio of two, by the values it is cut by."""
    names, by = part["metric"].split(" / "), part.get("by", "").split()
    rows = metrics.query(names, by, part.get("where", ()), data_dir=data.root).to_pylist()
    found: dict[tuple[str, ...], float | None] = {}
    for row in rows:
        values = [None if row[metric] is None else float(row[metric]) for metric in names]
        key = tuple("not recorded" if row[cut] is None else words(row[cut]) for cut in by)
        found[key] = None if None in values else values[0] if len(values) == 1 else values[0] / values[1]  # type: ignore[operator]
    return found


def words(value: Any) -> str:
    return f"{value:%A %-d %B %Y}" if isinstance(value, dt.datetime) else str(value)


def said(key: tuple[str, ...]) -> str:
    """How a sentence calls a group."""
    if len(key) == 2 and key[1].isdigit():
        return f"{key[0]}s at {key[1]} o'clock"
    return " to ".join(key)


def most(values: dict[tuple[str, ...], float], sign: int) -> dict[tuple[str, ...], float]:
    """The groups with the largest value, or the smallest."""
    top = max((sign * value for value in values.values()), default=None)
    return {key: value for key, value in values.items() if sign * value == top}


def shows(text: str, value: float) -> bool:
    """Whether a text says a value, at as many digits as it has."""
    (number,) = _NUMBER.findall(without_dates(text))
    digits = len(number.partition(".")[2])
    shown = float(number.replace(",", "")) * (1e6 if "million" in text else 1)
    if "fewer" in text:
        shown = -shown
    step = 10**-digits * (1e6 if "million" in text else 1)
    return bool(abs(shown - value) <= step / 2 * (1 + 1e-9))


def fact(name: str, data: DataDir) -> int:
    """How many there are of something, from where it stands."""
    if name == "dbt tests":
        build = markers.read(data.markers / "DbtBuild.json")
        assert build is not None
        return int(build.details["tests"])
    if name == "files":
        with duckdb.connect() as connection:
            connection.execute(f"attach '{data.published}' as published (read_only)")
            files = "select count(distinct (source, source_file)) from published.meta.lineage"
            return int(connection.execute(files).fetchall()[0][0])
    summary = json.loads((data.validation / "report.json").read_text(encoding="utf-8"))["summary"]
    counted: dict[str, int] = {
        "passed": summary["passed"],
        "not passed": summary["failed"] + summary["errored"],
        "skipped": summary["skipped"],
        "asked": summary["expectations"] - summary["skipped"],
    }
    return counted[name]


def test_modes_are_not_compared_where_no_day_is_common(name: str, made: Published, look: Look) -> None:
    words = look(made.data.report / "index.html").page.inner_text("main")
    assert ("No day is covered by all modes: they are not compared." in words) is (name == "no common day")
    assert ("There is no day that several modes cover." in words) is (name in ("one mode", "no common day"))
    counted = re.search(r"Modes are compared over the days that all of them cover: (\d+) of (\d+)\.", words)
    days = {"different months": ("30", "92"), "a partly covered month": ("15", "92")}.get(name)
    assert (counted and counted.groups()) == days
