"""The metrics as they are defined: the 69 and no others, in order, each with what its users are to know of it."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from metric_expectations import ALL, GROUPS
from support import PROJECT

MODELS = PROJECT / "dbt_project" / "models"
GROUP_OF = {name: group for group, names in GROUPS.items() for name in names}
# How a description says the unit.
WORDS = {
    "trips": "trip",
    "minutes": "minutes",
    "miles": "miles",
    "mph": "miles per hour",
    "passengers": "passengers",
    "passengers per trip": "passengers per",
    "USD": "dollars",
    "USD per trip": "dollars",
    "USD per mile": "dollars",
    "trips per hour": "trips per hour",
    "trips per day": "trips per day",
    "ratio": "ratio",
    "%": "percent",
}
TYPES = {
    "ratio": """
        avg_trip_speed_mph avg_passengers_per_trip avg_fare revenue_per_mile tip_rate_pct avg_yellow_taxi_revenue
        citibike_mode_share_pct rain_trip_rate_pct trips_per_rain_hour weekday_vs_weekend_ratio voided_trip_rate_pct
    """,
    "derived": "rain_effect_pct trips_mom_growth_pct trips_wow_growth_pct",
    "cumulative": "cumulative_trips trips_7d_rolling trips_month_to_date",
}


@cache
def files() -> list[tuple[Path, dict[str, Any]]]:
    return [(path, yaml.safe_load(path.read_text(encoding="utf-8"))) for path in sorted(MODELS.rglob("*.yml"))]


def defined() -> dict[str, dict[str, Any]]:
    return {metric["name"]: metric for _, content in files() for metric in content.get("metrics", [])}


def public() -> dict[str, dict[str, Any]]:
    """Those with a group; what they are made of has none."""
    return {name: metric for name, metric in defined().items() if "group" in metric["config"]["meta"]}


def test_the_metrics_are_the_69() -> None:
    assert len(ALL) == 69
    assert sorted(public()) == sorted(ALL)


def test_what_is_no_metric_of_its_own_is_part_of_one_or_one_by_the_hour() -> None:
    parts = set()
    for metric in defined().values():
        if metric["config"]["meta"].get("by_hour_of") in TYPES["cumulative"].split():
            parts.add(metric["name"])
        made_of = metric["type_params"]
        inputs = [made_of.get("numerator"), made_of.get("denominator"), *made_of.get("metrics", [])]
        parts |= {part if isinstance(part, str) else part["name"] for part in inputs if part}
    own = defined().keys() - public().keys()
    assert own <= parts
    assert all(defined()[name]["label"].startswith("Part: ") for name in own)
    by_hour = {name for name in own if name.endswith("_by_hour")}
    assert all(name.startswith("part_") for name in own - by_hour), "`mf list metrics` shows no more than names"
    assert not any(name.startswith("part_") for name in public())


def test_a_file_has_its_metrics_in_the_order_of_the_list() -> None:
    for path, content in files():
        names = [metric["name"] for metric in content.get("metrics", [])]
        listed = [name for name in names if name in GROUP_OF]
        assert listed == sorted(listed, key=ALL.index), path
        assert names[: len(listed)] == listed, "what they are made of comes after them"


def test_semantic_models_and_their_metrics_stand_beside_their_model() -> None:
    for path, content in files():
        models = {f"ref('{model['name']}')" for model in content.get("models", [])}
        for semantic_model in content.get("semantic_models", []):
            assert semantic_model["model"] in models, path
        measures = {
            measure["name"] for model in content.get("semantic_models", []) for measure in model.get("measures", [])
        }
        for metric in content.get("metrics", []):
            assert metric["type_params"].get("measure") in {*measures, None}, path


@pytest.mark.parametrize("name", ALL)
def test_a_metric_says_what_it_is(name: str) -> None:
    metric = public()[name]
    meta = metric["config"]["meta"]
    assert meta["group"] == GROUP_OF[name]
    assert metric["label"]
    assert metric["description"].strip().endswith(".")
    assert WORDS[meta["unit"]] in metric["description"].lower(), "the unit, in words"
    assert (meta["unit"] == "%") == name.endswith("_pct")


def test_metrics_are_of_the_type_that_they_are_published_as() -> None:
    for kind, names in TYPES.items():
        assert {public()[name]["type"] for name in names.split()} == {kind}
    shares = {name for name in ALL if name.endswith("_pct") and GROUP_OF[name] != "Growth"} - {"rain_effect_pct"}
    assert {public()[name]["type"] for name in shares} == {"ratio"}, "never an average of averages"


def test_labels_differ() -> None:
    labels = [metric["label"] for metric in defined().values()]
    assert len(set(labels)) == len(labels)


def test_a_dashboards_queries_are_saved() -> None:
    queries = [query for _, content in files() for query in content.get("saved_queries", [])]
    assert len(queries) == 10
    for query in queries:
        assert query["label"]
        assert query["description"]
        assert set(query["query_params"]["metrics"]) <= set(ALL)
        assert [export["name"] for export in query["exports"]] == [query["name"]]
