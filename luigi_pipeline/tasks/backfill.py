"""Loading many months of a source, beyond those that the configuration names."""

from __future__ import annotations

import datetime as dt
import logging
from typing import Any

import luigi

from luigi_pipeline.core.errors import ConfigError
from luigi_pipeline.core.months import Month, spans
from luigi_pipeline.run.beginning import refuse
from luigi_pipeline.run.task import PipelineTask
from luigi_pipeline.tasks.load import LoadMonth
from luigi_pipeline.tasks.parameters import MonthParameter, SourceParameter

log = logging.getLogger("luigi_pipeline.tasks")

# `from` is a keyword of Python's, so the class can't assign it; on the command line it is `--from`.
_FROM = MonthParameter(description="The first month, YYYY-MM.")


class Backfill(luigi.WrapperTask, PipelineTask):
    """Load all months of a source from a first to a last one.

    A month that is loaded already costs one look at its marker. The next run of `Publish`, or of any other task that
    builds the models, builds them with these months.
    """

    source = SourceParameter()
    to = MonthParameter(description="The last month, YYYY-MM.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Work out the months.

        Raises:
            ConfigError: On the command line, one line and exit code 40: the last month is before the first.
        """
        super().__init__(*args, **kwargs)
        first = getattr(self, "from")
        self.months = Month.between(first, self.to)
        if not self.months:
            refuse(ConfigError(f"--to {self.to} is before --from {first}"))

    def requires(self) -> list[LoadMonth]:
        """One load a month."""
        return [LoadMonth(source=self.source, month=month) for month in self.months]

    def report(self) -> None:
        """Report the months that are still missing."""
        missing = [load.month for load in self.requires() if not load.complete()]
        loaded, wanted = len(self.months) - len(missing), len(self.months)
        log.info("Backfill %s: %d of %d months are loaded", self.source, loaded, wanted)
        today = dt.datetime.now(dt.UTC).date()
        awaited = [month for month in missing if month.may_be_unpublished(today)]
        lost = [month for month in missing if month not in awaited]
        if awaited:
            log.warning("Backfill %s: may not be published yet: %s", self.source, ", ".join(spans(awaited)))
        if lost:
            log.warning("Backfill %s: missing: %s; run again to go on from here", self.source, ", ".join(spans(lost)))


# What Python does with an assignment in the class.
setattr(Backfill, "from", _FROM)
_FROM.__set_name__(Backfill, "from")
