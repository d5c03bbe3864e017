"""Fetching published files to `landing/`: bound by the network, many at once."""

from __future__ import annotations

import logging
import math
from collections.abc import Generator

import luigi

from luigi_pipeline import markers
from luigi_pipeline.errors import NotPublished
from luigi_pipeline.markers import Marker, PublishedFile
from luigi_pipeline.sources import SOURCES, Landed, Source
from luigi_pipeline.tasks.base import MobilityTask
from luigi_pipeline.tasks.parameters import MonthParameter, SourceParameter

log = logging.getLogger("luigi_pipeline.tasks")

_ALL_DOWNLOADS = 60  # luigi.cfg's resource `download`, of which each fetch takes a share


class NotYetPublished(luigi.ExternalTask):
    """A month that its publisher does not have yet: missing data, which is not a failure."""

    source = luigi.Parameter(description="The source.")
    month = luigi.Parameter(description="The month, YYYY-MM.")

    def complete(self) -> bool:
        """Never: the next run asks the publisher again."""
        return False


class Fetch(MobilityTask):
    """A published file in `landing/`."""

    in_warehouse = False

    @property
    def origin(self) -> Source:
        """The source that the file is of."""
        raise NotImplementedError

    @property
    def request(self) -> str:
        """Digest of what is asked of the publisher."""
        return markers.digest(self.origin.request(self.to_str_params().get("month", ""), self.settings))

    def process_resources(self) -> dict[str, int]:
        """A share of the downloads at once, and Open-Meteo's one request at a time."""
        share = {"download": math.ceil(_ALL_DOWNLOADS / self.settings.download.parallel)}
        return share | ({"open_meteo": 1} if self.origin.name == "weather" else {})

    def landed(self) -> Landed | None:
        """The file in `landing/`, if it is the one that the marker describes."""
        found = self.marker()
        if found is None or found.source is None or found.request != self.request:
            return None
        source = found.source
        path = self.data.root / source.path
        if not path.is_file() or path.stat().st_size != source.size:
            return None
        return Landed(path, source.url, source.size, source.sha256, source.etag, source.last_modified)

    def published(self, landed: Landed) -> PublishedFile:
        """A landed file as markers describe it."""
        return PublishedFile(
            path=landed.path.relative_to(self.data.root).as_posix(),
            url=landed.url,
            size=landed.size,
            sha256=landed.sha256,
            etag=landed.etag,
            last_modified=landed.last_modified,
        )

    def fingerprint(self) -> str:
        """What was asked for; what came is in the marker's sources."""
        return self.request

    def work(self) -> Generator[luigi.Task, None, Marker]:
        """Fetch the file, check it, and note what it is."""
        from luigi_pipeline.sources.http import Publisher

        folder = self.data.landing / self.origin.name
        folder.mkdir(parents=True, exist_ok=True)
        month = self.to_str_params().get("month", "")
        with Publisher(self.settings.download, self.title) as publisher:
            try:
                landed = self.origin.fetch(month, self.settings, folder, publisher)
            except NotPublished as error:
                log.warning("%s", error)
                yield NotYetPublished(source=self.origin.name, month=month)
                raise
        return self.new_marker(
            self.fingerprint(),
            request=self.request,
            sources=[self.published(landed)],
            details={"summary": f"{landed.size / 1e6:,.2f} MB"},
        )


class FetchMonth(Fetch):
    """A month's published file in `landing/`. It counts only while the month is not loaded."""

    source = SourceParameter()
    month = MonthParameter(description="The month, YYYY-MM.")

    @property
    def origin(self) -> Source:
        """The source of the parameter."""
        return SOURCES[self.source]

    def complete(self) -> bool:
        """Whether the month is loaded, or its file waits in `landing/`."""
        from luigi_pipeline.tasks.load import LoadMonth

        return self.landed() is not None or bool(LoadMonth(source=self.source, month=self.month).complete())


class FetchZones(Fetch):
    """TLC's zone lookup in `landing/`. It counts only while the zones are not loaded."""

    @property
    def origin(self) -> Source:
        """TLC's zones."""
        return SOURCES["taxi_zones"]

    def complete(self) -> bool:
        """Whether the zones are loaded, or their file waits in `landing/`."""
        from luigi_pipeline.tasks.load import LoadZones

        return self.landed() is not None or bool(LoadZones().complete())
