"""The page itself: figures, facts and the code that draws them, in one file that needs nothing else."""

from __future__ import annotations

import datetime as dt
import json
import re
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from luigi_pipeline.report import notice
from luigi_pipeline.report.charts import SECTIONS, Figure, draw
from luigi_pipeline.report.charts.drawing import LOOKS
from luigi_pipeline.report.datasets import MODES, SHORT_NAMES
from luigi_pipeline.report.facts import NAMES, Facts
from luigi_pipeline.report.questions import COVERED, COVERED_BY_ALL, Answers, of_mode
from luigi_pipeline.report.stating import fact, stated

# Escapes, so that no text can end the script or begin a comment in it.
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def render(answers: Answers, facts: Facts, sites: dict[str, str], built_at: dt.datetime) -> str:
    """Render the page.

    Args:
        answers: The answers of the metrics.
        facts: What is said about the data.
        sites: Links to the Data Docs and the dbt docs, by name.
        built_at: When the page is made, UTC.
    """
    figures = draw(answers)
    days = [
        day
        for day, trips in zip(*map(answers.datasets["daily"].column, ("day", "trips")), strict=True)
        if trips is not None
    ]
    used = {name for drawn in figures.values() for figure in drawn if not figure.is_empty for name in _used(figure)}
    content: dict[str, Any] = {
        "datasets": {name: answers.datasets[name].packed() for name in sorted(used)},
        "figures": {figure.name: _drawn(figure) for drawn in figures.values() for figure in drawn},
        "modes": answers.modes,
        "first": min(days, default=""),
        "last": max(days, default=""),
    }
    environment = Environment(
        loader=PackageLoader("luigi_pipeline.report", "static"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"number": _number, "moment": _moment, "month": _month}
    environment.globals |= {
        "stated": stated,
        "fact": fact,
        "of_mode": of_mode,
        "COVERED": COVERED,
        "COVERED_BY_ALL": COVERED_BY_ALL,
    }
    return environment.get_template("report.html").render(
        answers=answers,
        facts=facts,
        figures=figures,
        sections={name: title for name, (title, _) in SECTIONS.items()},
        sites=sites,
        built_at=built_at,
        days=(content["first"], content["last"]),
        modes=MODES,
        short_names=SHORT_NAMES,
        looks=LOOKS,
        names=NAMES,
        notice_begin=Markup(notice.BEGIN),
        notice_end=Markup(notice.END),
        content=Markup(_for_script(content)),
        style=Markup(_static("report.css")),
        script=Markup(_static("report.js")),
        vega=Markup(_vega()),
    )


def _used(figure: Figure) -> set[str]:
    """The tables that a figure's charts are drawn from."""
    return {figure.dataset.name} & _TABLES | set(re.findall(r'"data": \{"name": "(\w+)"', json.dumps(figure.charts)))


# The tables that are offered for download. The tables of other figures are parts of these.
_TABLES = {"daily", "hourly", "durations", "distances", "effects", "zones", "flows", "fares", "payments", "flagged"}


def _drawn(figure: Figure) -> dict[str, Any]:
    return {
        "dataset": figure.dataset.name,
        "filters": figure.filters,
        "charts": {} if figure.is_empty else figure.charts,
        "only": "airport" if figure.name == "airports" else None,
    }


def _for_script(content: Any) -> str:
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    for character, escaped in _ESCAPES.items():
        text = text.replace(character, escaped)
    return text


def _static(name: str) -> str:
    return files("luigi_pipeline.report").joinpath("static", name).read_text(encoding="utf-8")


@cache
def _vega() -> str:
    """Vega, Vega-Lite and vega-embed, in the versions that altair's own pages use."""
    import vl_convert

    # The stub requires an argument that the function does not need.
    bundle: str = vl_convert.javascript_bundle()  # type: ignore[call-arg]
    return re.sub(r"</(script)", r"<\\/\1", bundle, flags=re.IGNORECASE)


def _number(value: Any, digits: int = 0) -> str:
    return "\N{EN DASH}" if value is None else f"{float(value):,.{digits}f}"


def _moment(value: str | dt.datetime | None) -> str:
    if not value:
        return ""
    at = value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(value)
    return f"{at.astimezone(dt.UTC):%-d %B %Y, %H:%M} UTC"


def _month(value: str) -> str:
    return f"{dt.date.fromisoformat(value + '-01'):%B %Y}"
