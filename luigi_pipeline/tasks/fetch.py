"""Fetching published files to `landing/`. This is bound by the network, so many fetches run at once."""

from __future__ import annotations

import logging
import math
from collections.abc import Generator
from typing import Any, ClassVar

import luigi
from luigi.task_register import Register

from luigi_pipeline.core.errors import NotPublished
from luigi_pipeline.run import runs
from luigi_pipeline.sources import SOURCES, Landed, Source
from luigi_pipeline.sources.landed import version_of
from luigi_pipeline.state.markers import Marker, PublishedFile
from luigi_pipeline.tasks.base import MobilityTask
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


class Fetch(MobilityTask):
    """A published file in `landing/`."""

    in_warehouse = False
    month: ClassVar[Any] = None  # a Month, if the file is of one

    @property
    def origin(self) -> Source:
        """The source that publishes the file."""
        raise NotImplementedError

    @property
    def load(self) -> Any:
        """The load that needs this file.

        It is looked up by name, because its module imports this one.
        """
        raise NotImplementedError

    @property
    def request(self) -> str:
        """Digest of what the publisher is asked for."""
        return self.fingerprint()

    def process_resources(self) -> dict[str, int]:
        """The resources that the fetch takes: a share of the parallel downloads; for weather, the only request."""
        share = {"download": math.ceil(_ALL_DOWNLOADS / self.settings.download.parallel)}
        return super().process_resources() | share | ({"open_meteo": 1} if self.origin.name == "weather" else {})

    def complete(self) -> bool:
        """Whether the file is loaded or waits in `landing/`, and the publisher need not be asked again."""
        return self.reason() is None

    def reason(self) -> str | None:
        """Why the publisher must be asked; None if it need not be."""
        file, asked_at = self._last_answer()
        if file and runs.wants_to_ask(asked_at, file.settled_at):
            return f"last asked for at {asked_at[:16]}Z"
        if self.landed() is not None or self.load.reason() is None:
            return None
        return "its file is gone from landing/" if file else "not fetched yet"

    def newer_than(self, loaded: Marker) -> str | None:
        """Why the month must be loaded again, or its publisher asked again; None if neither is needed."""
        file, asked_at = self._last_answer()
        had = loaded.source
        if file is None or had is None:
            file, asked_at = had, loaded.started_at
        elif self.has_another_version(loaded):
            return f"another version was fetched: {_in_words(had)} -> {_in_words(file)}"
        if file and runs.wants_to_ask(asked_at, file.settled_at):
            return "its publisher may have another version"
        return None

    def has_another_version(self, loaded: Marker) -> bool:
        """Whether another file was fetched after the loaded one."""
        file, asked_at = self._last_answer()
        had = loaded.source
        if file is None or had is None:
            return False
        return (file.path, file.sha256) != (had.path, had.sha256) and asked_at > loaded.finished_at

    def forget(self) -> None:
        """Make the next run fetch the whole file again."""
        landed = self.landed()
        if landed:
            landed.path.unlink(missing_ok=True)
        super().forget()

    def landed(self) -> Landed | None:
        """The file in `landing/`, if it is still the one that the marker describes."""
        file, _ = self._last_answer()
        if file is None:
            return None
        path = self.data.root / file.path
        if not path.is_file() or path.stat().st_size != file.size:
            return None
        return self._as_landed(file)

    def _last_answer(self) -> tuple[PublishedFile | None, str]:
        """The file that the publisher had when it was last asked, and the time of that request."""
        marker = self.marker()
        if marker is None or marker.source is None or marker.request != self.request:
            return None, ""
        return marker.source, marker.finished_at

    def _known(self) -> Landed | None:
        """The file that we already have. The publisher sends it again only if it has changed."""
        landed, loaded = self.landed(), self.load.loaded()
        return landed or (self._as_landed(loaded.source) if loaded and loaded.source else None)

    def _as_landed(self, file: PublishedFile) -> Landed:
        return Landed(
            self.data.root / file.path,
            file.url,
            file.size,
            file.sha256,
            file.etag,
            file.last_modified,
            file.settled_at,
        )

    def published(self, landed: Landed) -> PublishedFile:
        """A landed file in the form that markers use."""
        return PublishedFile(
            path=landed.path.relative_to(self.data.root).as_posix(),
            url=landed.url,
            size=landed.size,
            sha256=landed.sha256,
            etag=landed.etag,
            last_modified=landed.last_modified,
            settled_at=landed.settled_at,
        )

    def inputs(self) -> dict[str, Any]:
        """What the publisher is asked for. The marker's `sources` say what it sent."""
        return self.origin.request(self.month, self.settings)

    def work(self) -> Generator[luigi.Task, None, Marker]:
        """Fetch the file, check it, and record what it is."""
        from luigi_pipeline.sources.http import Publisher

        folder = self.data.landing / self.origin.name
        folder.mkdir(parents=True, exist_ok=True)
        month, known = self.month, self._known()
        with Publisher(self.settings.download, self.title) as publisher:
            try:
                landed = self.origin.fetch(month, self.settings, folder, publisher, known)
            except NotPublished as error:
                log.warning("%s", error)
                yield NotYetPublished(source=self.origin.name, month=month)
                raise
        summary = [f"{landed.size / 1e6:,.2f} MB"] if landed != known else ["not changed"]
        summary += [f"{count:,} {what}" for what, count in landed.remarks.items() if count]
        return self.new_marker(
            self.inputs(),
            request=self.request,
            sources=[self.published(landed)],
            details={"summary": ", ".join(summary)} | landed.remarks,
        )


def _in_words(file: PublishedFile) -> str:
    return f"{file.path.rpartition('/')[2]} ({version_of(file.sha256)})"


class FetchMonth(Fetch):
    """A month's published file in `landing/`. Once the month is loaded, the file is not needed."""

    source = SourceParameter()
    month = MonthParameter(description="The month, YYYY-MM.")

    @property
    def origin(self) -> Source:
        """The source that the parameter names."""
        return SOURCES[self.source]

    @property
    def load(self) -> Any:
        """The load of this month."""
        return Register.get_task_cls("LoadMonth")(source=self.source, month=self.month)


class FetchZones(Fetch):
    """TLC's zone lookup in `landing/`. Once the zones are loaded, the file is not needed."""

    @property
    def origin(self) -> Source:
        """The source of TLC's zones."""
        return SOURCES["taxi_zones"]

    @property
    def load(self) -> Any:
        """The load of the zones."""
        return Register.get_task_cls("LoadZones")()
