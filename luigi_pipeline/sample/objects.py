"""Files as a CDN or a bucket serves them: ETags and dates, conditional requests, and ranges."""

from __future__ import annotations

import email.utils
import hashlib
import re
import threading
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Answer:
    """What to send for a file: a status, headers, and which bytes of it."""

    status: int
    headers: dict[str, str]
    first: int = 0
    length: int = 0


def version_of(file: Path) -> tuple[int, ...]:
    """Distinguishes a file from an older one of the same name.

    The time of modification alone is not enough, because a sample's files have the dates of their publication.
    """
    stat = file.stat()
    return (stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)


class ETags:
    """ETags of files. They are MD5 sums, computed once for each version of a file."""

    def __init__(self) -> None:
        """Start with an empty cache."""
        self._known: dict[tuple[Path, tuple[int, ...]], str] = {}
        self._lock = threading.Lock()

    def of(self, file: Path) -> str:
        """The quoted ETag of a file as it is now."""
        key = (file, version_of(file))
        with self._lock:
            if key not in self._known:
                self._known[key] = f'"{_md5(file)}"'
            return self._known[key]


def _md5(file: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def find(root: Path, path: str) -> Path | None:
    """The file that a URL path names; None if there is no such file below the root."""
    if "\0" in path:
        return None
    file = (root / path.lstrip("/")).resolve()
    return file if file.is_relative_to(root) and file.is_file() else None


def answer_for(file: Path, etag: str, headers: Message) -> Answer:
    """Decide on the answer to a request for a file.

    Args:
        file: The file.
        etag: Its quoted ETag.
        headers: The request's headers. If-None-Match, If-Modified-Since, Range and If-Range are used.

    Returns:
        200, 206, 304 or 416, with its headers.
    """
    stat = file.stat()
    modified = int(stat.st_mtime)
    base = {
        "ETag": etag,
        "Last-Modified": email.utils.formatdate(modified, usegmt=True),
        "Accept-Ranges": "bytes",
    }
    if _is_unchanged(headers, etag, modified):
        return Answer(304, base)
    base["Content-Type"] = "application/octet-stream"
    span = _range(headers, stat.st_size) if _range_counts(headers, etag, modified) else None
    if span is None:
        return Answer(200, base, 0, stat.st_size)
    first, last = span
    if first > last:
        return Answer(416, {**base, "Content-Range": f"bytes */{stat.st_size}"})
    content_range = f"bytes {first}-{last}/{stat.st_size}"
    return Answer(206, {**base, "Content-Range": content_range}, first, last - first + 1)


def _is_unchanged(headers: Message, etag: str, modified: int) -> bool:
    wanted = headers.get("If-None-Match")
    if wanted is not None:
        tags = [tag.strip().removeprefix("W/") for tag in wanted.split(",")]
        return "*" in tags or etag in tags
    since = _moment(headers.get("If-Modified-Since"))
    return since is not None and modified <= since


def _range_counts(headers: Message, etag: str, modified: int) -> bool:
    """Whether the range counts. With If-Range, it counts only for the version that the client began with."""
    condition = headers.get("If-Range")
    return condition is None or condition == etag or _moment(condition) == modified


def _moment(text: str | None) -> int | None:
    try:
        return int(email.utils.parsedate_to_datetime(text or "").timestamp())
    except ValueError:
        return None


def _range(headers: Message, size: int) -> tuple[int, int] | None:
    """The first and last byte of the range; first > last if it can't be satisfied; None for the whole file."""
    asked = re.fullmatch(r"bytes=(\d*)-(\d*)", headers.get("Range") or "")
    if asked is None or not (asked[1] or asked[2]):
        return None
    if not asked[1]:
        count = min(int(asked[2]), size)
        return (size - count, size - 1)
    first = int(asked[1])
    if asked[2] and int(asked[2]) < first:
        return None  # an invalid range, which a server ignores
    return (first, min(int(asked[2]), size - 1) if asked[2] else size - 1)
