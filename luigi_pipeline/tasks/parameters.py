"""Parameters of the month tasks."""

from __future__ import annotations

import luigi

from luigi_pipeline.core.months import Month
from luigi_pipeline.sources import MONTHLY


class MonthParameter(luigi.Parameter[Month]):
    """A month, written YYYY-MM."""

    def parse(self, text: str) -> Month:
        """Check the month.

        Raises:
            ValueError: It is not written YYYY-MM.
        """
        return Month(text)

    def normalize(self, value: str) -> Month:
        """The month, where a task is made from Python with its text."""
        return Month(value)


class SourceParameter(luigi.ChoiceParameter):
    """One of the sources that are published by month."""

    def __init__(self) -> None:
        """Offer the sources as choices."""
        names = f"{', '.join(MONTHLY[:-1])} or {MONTHLY[-1]}"
        super().__init__(choices=MONTHLY, description=f"The source: {names}.")
