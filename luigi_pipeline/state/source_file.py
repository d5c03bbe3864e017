"""A published file of a source, as the markers and `landing/` have it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from luigi_pipeline.config.settings import Settings
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.digests import digest
from luigi_pipeline.core.months import Month
from luigi_pipeline.sources import Landed, Source
from luigi_pipeline.sources.base import ROWS_VERSION
from luigi_pipeline.state import identity, markers
from luigi_pipeline.state.markers import PublishedFile
from luigi_pipeline.state.month import Asking, FileState


@dataclass(frozen=True)
class SourceFile:
    """A published file of a source: that of a month, or the only one.

    Attributes:
        source: The source.
        month: The month; None for the only file.
        settings: The configuration.
        data: The data dir.
        asking: Which files this run asks for again.
    """

    source: Source
    month: Month | None
    settings: Settings
    data: DataDir
    asking: Asking

    @cached_property
    def asked_for(self) -> dict[str, Any]:
        """What the publisher is asked for today."""
        return self.source.request(self.month, self.settings)

    @cached_property
    def request(self) -> str:
        """Digest of what the publisher is asked for today."""
        return digest(self.asked_for)

    @cached_property
    def state(self) -> FileState:
        """Whether the file is fetched and loaded, and why not."""
        fetched, loaded = markers.read(self._marker_of("Fetch")), markers.read(self._marker_of("Load"))
        outdated: str | None = None
        if loaded and loaded.warehouse != identity.warehouse_id(self.data):
            loaded, outdated = None, identity.why_unknown(self.data)
        elif loaded and loaded.source and not loaded.is_of(inputs := self.inputs(loaded.source)):
            outdated = loaded.changes(inputs)
        landed = self._landed(fetched.source if fetched else None)
        return FileState(self.request, fetched, loaded, outdated, landed is not None, self.asking)

    def inputs(self, file: PublishedFile) -> dict[str, Any]:
        """What the rows of a version of the file depend on."""
        # The file's name is part of `_source_file`, and so of the keys of trips without a key of their own.
        name = file.path.rpartition("/")[2]
        columns = {raw: kind for raw, kind in self.source.columns.items() if raw not in self.source.added}
        return {"version": ROWS_VERSION, "name": name, "sha256": file.sha256, "columns": columns}

    def landed(self) -> Landed | None:
        """The last fetched file, if it is in `landing/`, as it was fetched."""
        return self._landed(self.state.answer)

    def known(self) -> Landed | None:
        """The file that we already have. The publisher sends it again only if it has changed."""
        loaded = self.state.loaded_file
        return self.landed() or (self._as_landed(loaded) if loaded else None)

    def as_published(self, landed: Landed) -> PublishedFile:
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

    def _landed(self, file: PublishedFile | None) -> Landed | None:
        if file is None:
            return None
        path = self.data.root / file.path
        return self._as_landed(file) if path.is_file() and path.stat().st_size == file.size else None

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

    def _marker_of(self, act: str) -> Path:
        if self.month is None:
            return self.data.marker_of(f"{act}Zones")
        return self.data.marker_of(f"{act}Month", self.source.name, self.month)
