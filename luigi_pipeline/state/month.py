"""The state of a published file, a month's or a source's only one: fetched, loaded, and why not.

It is worked out from the markers, from what the publisher is asked for today, and from the time at which the run began.
Tasks, `plan` and `status` ask here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from luigi_pipeline.sources.landed import version_of
from luigi_pipeline.state.markers import Marker, PublishedFile


@dataclass(frozen=True)
class Asking:
    """Which files a run asks the publishers for again.

    Attributes:
        began_at: When the run began, UTC, ISO 8601. Whatever a publisher was asked later, it was asked by this run.
        is_refresh: Whether it asks for every file. Any other run asks, once a day, for files whose last values were not
            final.
    """

    began_at: str
    is_refresh: bool

    def asks_for(self, file: PublishedFile, asked_at: str) -> bool:
        """Whether the publisher is asked again for a file that it was last asked for at some time."""
        if self.is_refresh:
            return asked_at < self.began_at
        if file.settled_at is None or asked_at >= file.settled_at:
            return False
        return asked_at[:10] < self.began_at[:10]


@dataclass(frozen=True)
class FileState:
    """The state of a published file.

    Attributes:
        request: Digest of what the publisher is asked for today.
        fetched: The marker of the last fetch.
        loaded: The marker of the load, if it belongs to the warehouse that is there now.
        why_outdated: Why that marker does not count, or would have other inputs today; None if it stands.
        is_landed: Whether the file of the last fetch is in `landing/`.
        asking: Which files this run asks for again.
    """

    request: str
    fetched: Marker | None
    loaded: Marker | None
    why_outdated: str | None
    is_landed: bool
    asking: Asking

    @cached_property
    def answer(self) -> PublishedFile | None:
        """What the publisher had when it was last asked for what it is asked for today."""
        return self.fetched.source if self.fetched and self.fetched.request == self.request else None

    @cached_property
    def loaded_file(self) -> PublishedFile | None:
        """The loaded file, if it is of today's request. The publisher may have a newer version by now."""
        stands = self.loaded is not None and self.loaded.request == self.request and self.why_outdated is None
        return self.loaded.source if self.loaded and stands else None

    @cached_property
    def is_superseded(self) -> bool:
        """Whether another version was fetched after the loaded one."""
        if not (self.answer and self.fetched and self.loaded and self.loaded.source):
            return False
        had = self.loaded.source
        is_another = (self.answer.path, self.answer.sha256) != (had.path, had.sha256)
        return is_another and self.fetched.finished_at > self.loaded.finished_at

    @cached_property
    def is_due(self) -> bool:
        """Whether the last known version is loaded, and a run would only ask the publisher for a newer one."""
        return self.loaded_file is not None and not self.is_superseded

    @cached_property
    def why_load(self) -> str | None:
        """Why the file must be loaded; None if it need not be."""
        if self.loaded is None or self.loaded.source is None:
            return self.why_outdated or "not done yet"
        if self.loaded.request != self.request:
            return "the configuration asks for another file"
        if self.why_outdated is not None:
            return self.why_outdated
        had, file, asked_at = self.loaded.source, self.loaded.source, self.loaded.started_at
        if self.answer and self.fetched:
            file, asked_at = self.answer, self.fetched.finished_at
        if self.is_superseded:
            return f"another version was fetched: {_in_words(had)} -> {_in_words(file)}"
        return "its publisher may have another version" if self.asking.asks_for(file, asked_at) else None

    @cached_property
    def why_fetch(self) -> str | None:
        """Why the publisher must be asked; None if it need not be. A loaded file need not be in `landing/`."""
        if self.answer and self.fetched and self.asking.asks_for(self.answer, self.fetched.finished_at):
            return f"last asked for at {self.fetched.finished_at[:16]}Z"
        if (self.answer and self.is_landed) or self.why_load is None:
            return None
        return "its file is gone from landing/" if self.answer else "not fetched yet"


def _in_words(file: PublishedFile) -> str:
    return f"{file.path.rpartition('/')[2]} ({version_of(file.sha256)})"
