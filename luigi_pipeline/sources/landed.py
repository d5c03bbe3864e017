"""A published file, once it is here."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Landed:
    """A published file in `landing/`.

    Attributes:
        path: Where it is.
        url: Where it came from.
        size: Bytes.
        sha256: Of its content, in hex.
        etag: As the publisher sent it.
        last_modified: As the publisher sent it.
        settled_at: UTC, ISO 8601: until then the publisher still fills in values, so it is worth asking again.
        remarks: Counts that a person would want to know of the content, by what they count.
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
