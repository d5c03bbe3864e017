"""What fetches and loads share: both are about one published file."""

from __future__ import annotations

import luigi

from luigi_pipeline.core.months import Month
from luigi_pipeline.run.run import Run
from luigi_pipeline.sources import SOURCES, Source
from luigi_pipeline.sources.taxi_zones import TaxiZones
from luigi_pipeline.state.source_file import SourceFile


class OneFile(luigi.Task):
    """A task that is about one published file: that of a month or, without parameters, TLC's zone lookup."""

    @property
    def origin(self) -> Source:
        """The source that publishes the file."""
        return SOURCES[getattr(self, "source", TaxiZones.name)]

    @property
    def of_month(self) -> Month | None:
        """The month; None for the zones."""
        return getattr(self, "month", None)

    @property
    def file(self) -> SourceFile:
        """The file, as the markers have it now."""
        run = Run.current()
        return SourceFile(self.origin, self.of_month, run.settings, run.data, run.asking)
