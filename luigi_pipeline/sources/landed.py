"""A published file after it was fetched."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Landed:
    """A published file in `landing/`.

    Attributes:
        path: Where it is.
        url: Where it came from.
        size: Size in bytes.
        sha256: Digest of its content, in hex.
        etag: As the publisher sent it.
        last_modified: As the publisher sent it.
        settled_at: Until when the publisher still changes values, UTC, ISO 8601. Until then it should be asked again.
        remarks: Counts about the content that matter to people, each by what it counts.
    """

    path: Path
    url: str
    size: int
    sha256: str
    etag: str | None = None
    last_modified: str | None = None
    settled_at: str | None = None
    remarks: dict[str, int] = field(default_factory=dict, compare=False)

    @property
    def version(self) -> str:
        """The `_source_version` of its rows."""
        return version_of(self.sha256)


def version_of(sha256: str) -> str:
    """The `_source_version` of a published file's rows."""
    return sha256[:16]
