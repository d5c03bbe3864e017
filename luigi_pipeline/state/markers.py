"""Markers: small JSON files that say what is done, written after the work they stand for is committed."""

from __future__ import annotations

import datetime as dt
import functools
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter

from luigi_pipeline.core.files import Version, version_of, write_atomically

# A file with other keys, or values of other kinds, is not a marker.
_STRICT = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True)
class PublishedFile:
    """A published file, as it was fetched or loaded.

    Attributes:
        path: Where it landed, below the data dir.
        url: Where it came from.
        size: Bytes.
        sha256: Of its content, in hex.
        etag: As the publisher sent it.
        last_modified: As the publisher sent it.
        settled_at: UTC, ISO 8601: until then the publisher still fills in values. None: what is published stands.
        rows: Rows loaded from it.
        members: Rows by `_source_file`: the file itself, or each archive member.
    """

    __pydantic_config__ = _STRICT

    path: str
    url: str
    size: int
    sha256: str
    etag: str | None = None
    last_modified: str | None = None
    settled_at: str | None = None
    rows: int | None = None
    members: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Marker:
    """What one task did.

    Attributes:
        task: The task's family, such as LoadMonth.
        parameters: Its parameters.
        fingerprint: Digest of all that the result depends on.
        inputs: The same one by one, each by its name and shortened digest, to tell later what has changed.
        started_at: UTC, ISO 8601.
        finished_at: UTC, ISO 8601. Of a fetch: when the publisher was last asked.
        request: Digest of what was asked of the publisher (fetches and loads).
        warehouse: Id of the warehouse that the work is in (loads and what follows).
        sources: The published files (fetches and loads; today each has one).
        replaced: Version (`_source_version`) and rows of what a republished month held before.
        load_id: dlt's id of the load.
        schema_changes: Columns that were missing, new or of another type than declared.
        versions: Of the libraries that did the work.
        details: What else the task has to say (rows, counts, seconds).
    """

    __pydantic_config__ = _STRICT

    task: str
    parameters: dict[str, str]
    fingerprint: str
    started_at: str
    finished_at: str
    inputs: dict[str, str] = field(default_factory=dict)
    request: str | None = None
    warehouse: str | None = None
    sources: list[PublishedFile] = field(default_factory=list)
    replaced: dict[str, str | int] | None = None
    load_id: str | None = None
    schema_changes: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def source(self) -> PublishedFile | None:
        """The published file, where there is one."""
        return self.sources[0] if self.sources else None

    def write(self, path: Path) -> None:
        """Write the marker so that a reader, or a kill, sees the old one or the new one and nothing between."""
        write_atomically(path, json.dumps(asdict(self), indent=2).encode() + b"\n")


_MARKER = TypeAdapter(Marker)


def read(path: Path) -> Marker | None:
    """Read a marker; one that is missing or not a marker (edited by hand, say) does not count: None."""
    version = version_of(path)
    return _read(path, version) if version else None


@functools.lru_cache(maxsize=4096)
def _read(path: Path, _version: Version) -> Marker | None:
    try:
        return _MARKER.validate_json(path.read_bytes())
    except (OSError, ValueError):
        return None


def seconds(marker: Marker) -> float:
    """How long the work of a marker took."""
    took = dt.datetime.fromisoformat(marker.finished_at) - dt.datetime.fromisoformat(marker.started_at)
    return took.total_seconds()
