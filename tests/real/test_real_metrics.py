"""The metrics of the real files, compared with SQL on the facts that is written by hand."""

from collections.abc import Iterator

import pytest
from metric_answers import Metrics, opened
from metric_checks import (
    CUTS_OF_GROWTH,
    CUTS_OF_HOURS,
    CUTS_OF_TRIPS,
    check_alone,
    check_growth,
    check_rain_effect,
    check_together,
)
from metric_expectations import OF_HOURS, OF_TRIPS

from luigi_pipeline.core.datadir import DataDir


@pytest.fixture(scope="module")
def metrics(real: DataDir) -> Iterator[Metrics]:
    with opened(real.warehouse, real.dbt / "target" / "semantic_manifest.json") as metrics:
        yield metrics


@pytest.mark.parametrize("name", [*OF_TRIPS, *OF_HOURS])
def test_a_metric_asked_alone(metrics: Metrics, name: str) -> None:
    check_alone(metrics, name)


@pytest.mark.parametrize("by", CUTS_OF_TRIPS, ids=" ".join)
def test_metrics_of_trips_asked_together(metrics: Metrics, by: tuple[str, ...]) -> None:
    assert check_together(metrics, by) > 1000


@pytest.mark.parametrize("by", CUTS_OF_HOURS, ids=" ".join)
def test_metrics_of_hours_asked_together(metrics: Metrics, by: tuple[str, ...]) -> None:
    assert check_together(metrics, by, of_hours=True) > 50


@pytest.mark.parametrize("by", [(), *CUTS_OF_HOURS], ids=" ".join)
def test_the_effect_of_rain_equals_a_second_implementation(metrics: Metrics, by: tuple[str, ...]) -> None:
    check_rain_effect(metrics, by)


@pytest.mark.parametrize("grain", ["hour", "day", "week", "month", "quarter", "year"])
@pytest.mark.parametrize("by", CUTS_OF_GROWTH, ids=" ".join)
def test_metrics_that_look_back(metrics: Metrics, by: tuple[str, ...], grain: str) -> None:
    check_growth(metrics, by, grain)


def test_rain_keeps_riders_off_their_bikes(metrics: Metrics) -> None:
    effect = metrics.ask(["rain_effect_pct"], ["trip_type"])["rain_effect_pct"]
    assert effect["citibike",] < -10
    assert effect["citibike",] < effect["yellow_taxi",]
