"""The definitions of the metrics, read from a semantic manifest: names, groups, units and formulas."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

GROUPS = ("Core", "Mode", "Weather", "Time", "Growth", "Quality", "All modes")


@dataclass(frozen=True)
class Metric:
    """A metric.

    Attributes:
        name: The name to query it by.
        label: Its title in a chart or a table.
        description: What it counts, in a sentence with the unit.
        group: Core, Mode, Weather, Time, Growth, Quality or All modes; empty if only other metrics are made of it.
        unit: trips, minutes, miles, USD, %, ...
        kind: MetricFlow's type: simple, ratio, derived or cumulative.
        formula: How it is computed.
        steps: How far back it compares, such as `1 month`.
        by_hour: The metric that replaces it in queries by the hour, if there is one.
    """

    name: str
    label: str
    description: str
    group: str
    unit: str
    kind: str
    formula: str
    steps: tuple[str, ...] = ()
    by_hour: str = ""


def read(semantic_manifest: str) -> list[Metric]:
    """Read the metrics of a semantic manifest, group by group, in the order of their definition."""
    defined = json.loads(semantic_manifest)
    measures = {
        measure["name"]: measure for model in defined["semantic_models"] for measure in model.get("measures") or []
    }
    by_hour = {of: metric["name"] for metric in defined["metrics"] if (of := _meta(metric).get("by_hour_of"))}
    metrics = [_metric(metric, measures, by_hour) for metric in defined["metrics"]]
    return sorted(metrics, key=lambda metric: GROUPS.index(metric.group) if metric.group in GROUPS else len(GROUPS))


def _meta(metric: dict[str, Any]) -> dict[str, Any]:
    return (metric.get("config") or {}).get("meta") or {}


def _metric(metric: dict[str, Any], measures: dict[str, Any], by_hour: dict[str, str]) -> Metric:
    meta = _meta(metric)
    inputs = metric["type_params"].get("metrics") or []
    return Metric(
        name=metric["name"],
        label=metric.get("label") or metric["name"],
        description=" ".join((metric.get("description") or "").split()),
        group=meta.get("group", ""),
        unit=meta.get("unit", ""),
        kind=metric["type"],
        formula=_formula(metric, measures),
        steps=tuple(_window(part["offset_window"]) for part in inputs if part.get("offset_window")),
        by_hour=by_hour.get(metric["name"], ""),
    )


def _formula(metric: dict[str, Any], measures: dict[str, Any]) -> str:
    made_of = metric["type_params"]
    match metric["type"]:
        case "ratio":
            formula = f"{_input(made_of['numerator'])} / {_input(made_of['denominator'])}"
        case "derived":
            inputs = {part.get("alias") or part["name"]: _input(part) for part in made_of["metrics"]}
            names = "|".join(re.escape(name) for name in inputs)
            formula = re.sub(rf"\b({names})\b", lambda match: inputs[match[0]], made_of["expr"])
        case "cumulative":
            return _cumulative(made_of, measures, _where(metric.get("filter")))
        case _:
            formula = _aggregate(made_of, measures)
    return " ".join(formula.split()) + _where(metric.get("filter"))


def _aggregate(made_of: dict[str, Any], measures: dict[str, Any]) -> str:
    used = made_of.get("metric_aggregation_params") or measures[made_of["measure"]["name"]]
    expression = made_of.get("expr") or used.get("expr") or used.get("name")
    percentile = (used.get("agg_params") or {}).get("percentile")
    given = f", {percentile:g}" if percentile is not None and used["agg"] == "percentile" else ""
    return f"{used['agg']}({expression}{given})" + _where((made_of.get("measure") or {}).get("filter"))


def _cumulative(made_of: dict[str, Any], measures: dict[str, Any], where: str) -> str:
    how = made_of.get("cumulative_type_params") or {}
    base = how.get("metric")
    of = (_input(base) if base else _aggregate(made_of, measures)) + where
    window, grain = how.get("window"), how.get("grain_to_date")
    if window:
        return f"{of}, over the last {_window(window)}"
    return f"{of}, since the {grain} began" if grain else f"{of}, since the data begin"


def _input(part: dict[str, Any]) -> str:
    text = str(part["name"])
    if part.get("offset_window"):
        text = f"{text}[{_window(part['offset_window'])} before]"
    elif part.get("offset_to_grain"):
        text = f"{text}[as the {part['offset_to_grain']} began]"
    where = _where(part.get("filter"))
    return f"({text}{where})" if where else text


def _window(window: dict[str, Any]) -> str:
    count, grain = window["count"], window["granularity"]
    return f"{count} {grain}{'s' if count != 1 and not grain.endswith('s') else ''}"


def _where(filters: dict[str, Any] | None) -> str:
    texts = [part["where_sql_template"] for part in (filters or {}).get("where_filters", [])]
    plain = [re.sub(r"\{\{\s*\w+\(\s*'([^']+)'[^}]*\)\s*\}\}", r"\1", " ".join(text.split())) for text in texts]
    return f" where {' and '.join(plain)}" if plain else ""
