"""docs/metrics.md: made from the definitions, and never behind them."""

import pytest
from fixtures import Ingested
from support import PROJECT

from luigi_pipeline import metrics
from luigi_pipeline.cli import metrics_page as page


@pytest.fixture(scope="module")
def made(published: Ingested) -> str:
    listed = metrics.list_metrics(published.data.root, parts=True)
    return page.render(listed, page.examples(listed, published.data.root))


def test_the_page_is_what_the_definitions_make_of_it(made: str) -> None:
    written = (PROJECT / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert written == made, "run `make docs`"


def test_the_page_has_every_metric_with_its_unit_and_an_example(made: str, published: Ingested) -> None:
    listed = metrics.list_metrics(published.data.root)
    assert len(listed) == 69
    for metric in listed:
        (row,) = (line for line in made.splitlines() if line.startswith(f"| `{metric.name}` |"))
        assert f"| {metric.unit} |" in row
        assert metric.description in row
        assert "None" not in row
        assert "{{" not in row


def test_what_a_formula_is_made_of_is_on_the_page_too(made: str, published: Ingested) -> None:
    defined = {metric.name: metric for metric in metrics.list_metrics(published.data.root, parts=True)}
    assert "part_hundredfold_yellow_taxi_trips" in defined["yellow_taxi_mode_share_pct"].formula
    assert "\n| `part_hundredfold_yellow_taxi_trips` | `sum(" in made
    assert (
        defined["tip_rate_pct"].formula
        == "part_tips_in_cents / part_metered_fares where trip__payment_type = 'credit card'"
    )
    assert defined["trips_7d_rolling"].formula == "sum(trips) where trip__is_counted, over the last 7 days"
    assert "total_trips[1 month before]" in defined["trips_mom_growth_pct"].formula


def test_metrics_stand_in_the_order_of_their_definitions_whatever_order_dbt_reads_files_in(published: Ingested) -> None:
    names = [metric.name for metric in metrics.list_metrics(published.data.root)]
    assert names[:2] == ["total_trips", "avg_trip_duration_minutes"]
    assert names.index("trips_in_rain") < names.index("weather_coverage_pct") < names.index("trips_per_rain_hour")
