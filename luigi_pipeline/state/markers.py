"""Markers: small JSON files that record what is done. A marker is written after its work is committed."""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter

from luigi_pipeline.core.digests import digest
from luigi_pipeline.core.files import Version, version_of, write_atomically

# A file with unknown keys, or values of a wrong type, is not a marker.
_STRICT = ConfigDict(extra="forbid", strict=True)
_MOST_CHANGES = 3  # that are named


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
        settled_at: Until when the publisher still changes values, UTC, ISO 8601; None if the file is final.
        rows: Number of rows loaded from it.
        members: Number of rows by `_source_file`: the file itself, or each archive member.
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
        fingerprint: Digest of everything that the result depends on.
        inputs: The same item by item, each name with a short digest, to explain later what has changed.
        started_at: UTC, ISO 8601.
        finished_at: UTC, ISO 8601. For a fetch, when the publisher was last asked.
        request: Digest of what the publisher was asked for (fetches and loads).
        warehouse: Id of the warehouse that holds the result (loads and what follows).
        sources: The published files (fetches and loads; today each has one).
        replaced: Version (`_source_version`) and rows of the republished month's former content.
        load_id: dlt's id of the load.
        schema_changes: Columns that were missing, new or of another type than declared.
        versions: The versions of the libraries that did the work.
        details: Other facts about the work (rows, counts, seconds).
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
        """The published file, if there is one."""
        return self.sources[0] if self.sources else None

    def is_of(self, inputs: dict[str, Any]) -> bool:
        """Whether the result depends on just these inputs."""
        return self.fingerprint == digest(inputs)

    def changes(self, inputs: dict[str, Any], describe: Callable[[str], str] = "{} has changed".format) -> str:
        """Describe how inputs differ from those of the marker.

        Args:
            inputs: The inputs.
            describe: Describes the change of one, by its name.
        """
        now = shortened(inputs)
        added, gone = sorted(now.keys() - self.inputs.keys()), sorted(self.inputs.keys() - now.keys())
        other = sorted(key for key in now.keys() & self.inputs.keys() if now[key] != self.inputs[key])
        changes = (
            [f"{key} is new" for key in added] + [describe(key) for key in other] + [f"{key} is gone" for key in gone]
        )
        more = f" and {len(changes) - _MOST_CHANGES} more" if changes[_MOST_CHANGES:] else ""
        return ", ".join(changes[:_MOST_CHANGES]) + more

    def write(self, path: Path) -> None:
        """Write the marker. A reader sees the old file or the new one, never a part, even if the writer is killed."""
        write_atomically(path, json.dumps(asdict(self), indent=2).encode() + b"\n")


_MARKER = TypeAdapter(Marker)


def shortened(inputs: dict[str, Any]) -> dict[str, str]:
    """Shorten inputs to digests. A marker keeps them, so that a later run can name the input that has changed."""
    return {name: digest(value)[:16] for name, value in inputs.items()}


def read(path: Path) -> Marker | None:
    """Read a marker; None if it is missing or is not a marker, such as one edited by hand."""
    version = version_of(path)
    return _read(path, version) if version else None


@functools.lru_cache(maxsize=4096)
def _read(path: Path, _version: Version) -> Marker | None:
    try:
        return _MARKER.validate_json(path.read_bytes())
    except (OSError, ValueError):
        return None


def seconds(marker: Marker) -> float:
    """How many seconds the work of a marker took."""
    took = dt.datetime.fromisoformat(marker.finished_at) - dt.datetime.fromisoformat(marker.started_at)
    return took.total_seconds()
