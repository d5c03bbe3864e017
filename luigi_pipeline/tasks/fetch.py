"""Fetching published files to `landing/`. This is bound by the network, so many fetches run at once."""

from __future__ import annotations

import logging
import math
from collections.abc import Generator
from typing import Any

import luigi

from luigi_pipeline.core.errors import NotPublished
from luigi_pipeline.state.markers import Marker
from luigi_pipeline.tasks.base import MobilityTask
from luigi_pipeline.tasks.one_file import OneFile
from luigi_pipeline.tasks.parameters import MonthParameter, SourceParameter

log = logging.getLogger("luigi_pipeline.tasks")

_ALL_DOWNLOADS = 60  # luigi.cfg's resource `download`; each fetch takes a share of it


class NotYetPublished(luigi.ExternalTask):
    """A month that its publisher does not have yet. It is missing data, not a failure."""

    source = luigi.Parameter(description="The source.")
    month = luigi.Parameter(description="The month, YYYY-MM.")

    def complete(self) -> bool:
        """Never true. The next run asks the publisher again."""
        return False


class Fetch(OneFile, MobilityTask):
    """A published file in `landing/`."""

    in_warehouse = False

    def process_resources(self) -> dict[str, int]:
        """The resources that the fetch takes: a share of the parallel downloads, and what its publisher asks for."""
        share = {"download": math.ceil(_ALL_DOWNLOADS / self.settings.download.parallel)}
        alone = {self.origin.asked_alone: 1} if self.origin.asked_alone else {}
        return super().process_resources() | share | alone

    def reason(self) -> str | None:
        """Why the publisher must be asked; None if it need not be."""
        return self.file.state.why_fetch

    def forget(self) -> None:
        """Make the next run fetch the whole file again."""
        landed = self.file.landed()
        if landed:
            landed.path.unlink(missing_ok=True)
        super().forget()

    def inputs(self) -> dict[str, Any]:
        """What the publisher is asked for. The marker's `sources` say what it sent."""
        return self.file.asked_for

    def work(self) -> Generator[luigi.Task, None, Marker]:
        """Fetch the file, check it, and record what it is."""
        from luigi_pipeline.sources.http import Publisher

        folder = self.data.landing / self.origin.name
        folder.mkdir(parents=True, exist_ok=True)
        known = self.file.known()
        with Publisher(self.settings.download, self.title) as publisher:
            try:
                landed = self.origin.fetch(self.of_month, self.settings, folder, publisher, known)
            except NotPublished as error:
                log.warning("%s", error)
                yield NotYetPublished(source=self.origin.name, month=self.of_month)
                raise
        summary = [f"{landed.size / 1e6:,.2f} MB"] if landed != known else ["not changed"]
        summary += [f"{count:,} {what}" for what, count in landed.remarks.items() if count]
        return self.new_marker(
            self.inputs(),
            request=self.file.request,
            sources=[self.file.as_published(landed)],
            details={"summary": ", ".join(summary)} | landed.remarks,
        )


class FetchMonth(Fetch):
    """A month's published file in `landing/`. Once the month is loaded, the file is not needed."""

    source = SourceParameter()
    month = MonthParameter(description="The month, YYYY-MM.")


class FetchZones(Fetch):
    """TLC's zone lookup in `landing/`. Once the zones are loaded, the file is not needed."""
