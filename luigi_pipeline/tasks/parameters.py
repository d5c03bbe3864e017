"""Parameters of the month tasks."""

from __future__ import annotations

import luigi

from luigi_pipeline.config.settings import MONTHLY_SOURCES
from luigi_pipeline.core.months import is_month


class MonthParameter(luigi.Parameter):
    """A month, written YYYY-MM."""

    def parse(self, text: str) -> str:
        """Check the month.

        Raises:
            ValueError: It is not written YYYY-MM.
        """
        if not is_month(text):
            raise ValueError(f"{text!r} is not a month; write it as 2024-09")
        return text


class SourceParameter(luigi.ChoiceParameter):
    """One of the sources that are published by month."""

    def __init__(self) -> None:
        """Offer the three sources as choices."""
        super().__init__(choices=MONTHLY_SOURCES, description="The source: yellow_taxi, citibike or weather.")
