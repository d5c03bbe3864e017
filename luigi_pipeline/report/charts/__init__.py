"""The page's charts in altair, section by section. The page fills in the data and draws them."""

from __future__ import annotations

from luigi_pipeline.report.charts import money, places, quality, trips, weather
from luigi_pipeline.report.charts.drawing import Figure
from luigi_pipeline.report.questions import Answers

SECTIONS = {
    "trips": ("Trips", trips.figures),
    "weather": ("Weather", weather.figures),
    "places": ("Places", places.figures),
    "money": ("Money", money.figures),
    "quality": ("Data quality", quality.figures),
}

__all__ = ["SECTIONS", "Figure", "draw"]


def draw(answers: Answers) -> dict[str, list[Figure]]:
    """The figures of each section."""
    return {name: figures(answers) for name, (_, figures) in SECTIONS.items()}
