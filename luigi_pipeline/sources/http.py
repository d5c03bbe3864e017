"""Fetching over HTTP: limited retries that follow the publisher's Retry-After, and downloads that resume."""

from __future__ import annotations

import datetime as dt
import fcntl
import hashlib
import json
import logging
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import httpx

from luigi_pipeline.config.settings import Download
from luigi_pipeline.console import progress
from luigi_pipeline.core.digests import digest_file
from luigi_pipeline.core.errors import FetchFailed, NotThere
from luigi_pipeline.core.files import write_atomically
from luigi_pipeline.core.redaction import redacted
from luigi_pipeline.sources import proxies
from luigi_pipeline.sources.landed import Landed
from luigi_pipeline.sources.retries import Passing, retrying, wait_seconds

log = logging.getLogger("luigi_pipeline.http")

_CHUNK = 1 << 20
_NOT_THERE = (403, 404)  # CloudFront answers 403 for a missing key, S3 404
_PASSING = (408, 425, 429, 500, 502, 503, 504)
LARGEST_ANSWER = 64 << 20  # bytes; a year of weather has less than a hundredth of it
_PROGRESS_SECONDS = 30  # between two log lines on the progress of a download
_MD5 = re.compile(r'"([0-9a-f]{32})"')


class Publisher:
    """An HTTP client for one fetch, with the retries and timeouts of the configuration."""

    def __init__(self, policy: Download, title: str = "") -> None:
        """Set up the client. No connection is opened yet.

        Args:
            policy: The configuration's `download` block.
            title: The task that asks, for the log.

        Raises:
            FetchFailed: `SSL_CERT_FILE` or `SSL_CERT_DIR` names no certificates.
        """
        self._policy, self._title = policy, title
        self._client = proxies.client(
            timeout=policy.timeout_seconds,
            follow_redirects=True,
            headers={"User-Agent": "nyc-mobility-pipeline", "Accept-Encoding": "identity"},
        )

    def __enter__(self) -> Publisher:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, url: str, pace_seconds: float = 0) -> bytes:
        """Fetch a small body.

        Args:
            url: The URL.
            pace_seconds: The shortest time that an attempt may take, to keep to a rate limit.

        Raises:
            NotThere: 403 or 404.
            FetchFailed: Any other refusal, or a failure that did not pass.
        """

        def attempt() -> bytes:
            with _taking_at_least(pace_seconds), self._client.stream("GET", url) as response:
                _raise_for_status(response)
                return _small_body(response)

        return retrying(attempt, self._policy, _shown(url), self._title)

    def has(self, url: str) -> bool:
        """Whether there is a file at a URL. The file is not fetched.

        Raises:
            FetchFailed: The answer is neither yes nor no, or a failure did not pass.
        """

        def attempt() -> bool:
            with self._client.stream("HEAD", url) as response:
                _raise_for_status(response)
                return True

        try:
            return retrying(attempt, self._policy, _shown(url), self._title)
        except NotThere:
            return False

    def download(self, url: str, target: Path, known: Landed | None = None) -> Landed:
        """Fetch a file to `target`. Resume a download that an earlier attempt or run left unfinished.

        A file that is already there is kept if the publisher answers that it is still current. If two processes want
        the same file (months of one yearly archive), they take turns, and the second finds the file there.

        Args:
            url: The file's URL.
            target: Where it goes.
            known: The file as it was fetched before, if it is gone from `target`. It is fetched only if it has changed.

        Returns:
            The file; `known` if it has not changed.

        Raises:
            NotThere: 403 or 404.
            FetchFailed: Any other refusal, or a failure that did not pass.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        with _taking_turns(target):
            return retrying(lambda: self._attempt_download(url, target, known), self._policy, _shown(url), self._title)

    def _attempt_download(self, url: str, target: Path, known: Landed | None) -> Landed:
        here = _landed(target, url) or (known if known and known.url == redacted(url) else None)
        part = target.with_name(f"{target.name}.part")
        resumable = _resumable_etag(part, url)
        headers = {}
        if here and here.etag:
            headers["If-None-Match"] = here.etag
        elif here and here.last_modified:
            headers["If-Modified-Since"] = here.last_modified
        elif resumable:
            headers |= {"Range": f"bytes={part.stat().st_size}-", "If-Range": resumable}
        with self._client.stream("GET", url, headers=headers) as response:
            if response.status_code == httpx.codes.NOT_MODIFIED and here:
                return here
            if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                part.unlink(missing_ok=True)
                raise Passing("the publisher's file has changed since the download began")
            _raise_for_status(response)
            if response.status_code == httpx.codes.PARTIAL_CONTENT and not _continues(response, part, resumable):
                part.unlink(missing_ok=True)
                raise Passing("the publisher answered with another part than was asked for")
            etag, modified = response.headers.get("ETag"), response.headers.get("Last-Modified")
            resumed = response.status_code == httpx.codes.PARTIAL_CONTENT
            with part.open("ab") as file:
                if not resumed:
                    # Empty the file first. Otherwise a kill in between could leave old bytes under a new ETag.
                    file.seek(file.truncate(0))
                    write_atomically(_note(part), json.dumps({"url": redacted(url), "etag": etag}).encode())
                self._write(response, file)
            size = part.stat().st_size
            _check_length(response, size)
        if resumed and not _is_of(part, etag):
            part.unlink()
            raise Passing("what was resumed is not the publisher's file, so it begins anew")
        landed = Landed(target, redacted(url), size, digest_file(part), etag, modified)
        # Remove the note before the file is replaced. Otherwise a kill in between could leave the old ETag beside new
        # content.
        _note(target).unlink(missing_ok=True)
        part.replace(target)
        write_atomically(_note(target), json.dumps(asdict(landed), default=str).encode())
        _note(part).unlink(missing_ok=True)
        return landed

    def _write(self, response: httpx.Response, file: BinaryIO) -> None:
        """Append the body. Log the progress now and then, because a slow publisher may take hours."""
        logged_at, url = time.monotonic(), _shown(str(response.url))
        total = _total_size(response)
        for chunk in response.iter_raw(_CHUNK):
            file.write(chunk)
            done, of_all = file.tell() / 1e6, f" of {total / 1e6:,.1f}" if total else ""
            progress.report(f"fetching: {done:,.1f}{of_all} MB", file.tell() / total if total else 0)
            if file.tell() > self._policy.max_file_bytes:
                file.truncate(0)
                raise FetchFailed(f"{url}: is larger than download.max_file_bytes; nothing is kept")
            if time.monotonic() - logged_at > _PROGRESS_SECONDS:
                logged_at = time.monotonic()
                log.info("%s: %.1f%s MB", self._title or url, done, of_all)
        file.flush()
        os.fsync(file.fileno())


def _shown(url: str) -> str:
    """A URL in the form for messages, without a long query, as a weather request has one."""
    return redacted(url.partition("?")[0])


@contextmanager
def _taking_at_least(seconds: float) -> Iterator[None]:
    begun = time.monotonic()
    try:
        yield
    finally:
        time.sleep(max(0.0, begun + seconds - time.monotonic()))


def _small_body(response: httpx.Response) -> bytes:
    body = bytearray()
    for chunk in response.iter_bytes(_CHUNK):
        body += chunk
        if len(body) > LARGEST_ANSWER:
            raise FetchFailed(f"{_shown(str(response.url))}: answers with more than {LARGEST_ANSWER:,} bytes")
    return bytes(body)


def _raise_for_status(response: httpx.Response) -> None:
    status = response.status_code
    if status < 300:
        return
    if status in _NOT_THERE:
        raise NotThere(f"{_shown(str(response.url))}: HTTP {status}, no such file")
    text = next(response.iter_bytes(_CHUNK), b"")[:500].decode("utf-8", "replace")
    reason = f"HTTP {status} {_reason(text)}".strip()
    if status in _PASSING:
        raise Passing(reason, wait_seconds(response.headers.get("Retry-After"), text, dt.datetime.now(dt.UTC)))
    raise FetchFailed(f"{_shown(str(response.url))}: {reason}")


def _reason(text: str) -> str:
    try:
        return str(json.loads(text)["reason"])
    except (ValueError, KeyError, TypeError):
        return ""


def _continues(response: httpx.Response, part: Path, etag: str | None) -> bool:
    """Whether a partial answer is of the same file, and begins where the part ends."""
    here = part.stat().st_size if part.exists() else 0
    begins = response.headers.get("Content-Range", "").startswith(f"bytes {here}-")
    return begins and bool(response.headers.get("ETag") == etag)


def _is_of(part: Path, etag: str | None) -> bool:
    """Whether a resumed file matches an ETag, as far as that can be checked.

    S3's ETag of an object that was uploaded in one piece is its MD5. Any other ETag can't be checked, and the file
    passes.
    """
    md5 = _MD5.fullmatch(etag or "")
    if md5 is None:
        return True
    with part.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest() == md5[1]


def _check_length(response: httpx.Response, size: int) -> None:
    """Compare the size on disk with the announced one.

    Without an announced length, the content checks find a short body.
    """
    total = _total_size(response)
    if total is not None and total != size:
        raise Passing(f"{size:,} bytes arrived of {total:,}")


def _total_size(response: httpx.Response) -> int | None:
    headers = response.headers
    total = headers.get("Content-Range", "").rpartition("/")[2] or headers.get("Content-Length", "")
    return int(total) if re.fullmatch(r"[0-9]{1,18}", total) else None


def _note(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _read_note(path: Path) -> dict[str, Any]:
    try:
        note = json.loads(_note(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def _resumable_etag(part: Path, url: str) -> str | None:
    """The ETag to resume with. A weak ETag does not identify bytes, so it can't be used."""
    note = _read_note(part)
    etag = note.get("etag")
    if not part.exists() or note.get("url") != redacted(url) or not etag or str(etag).startswith("W/"):
        return None
    return str(etag)


def _landed(target: Path, url: str) -> Landed | None:
    note = _read_note(target)
    if not target.exists() or note.get("url") != redacted(url) or note.get("size") != target.stat().st_size:
        return None
    try:
        return Landed(**(note | {"path": target}))
    except TypeError:  # written by another version of the pipeline
        return None


@contextmanager
def _taking_turns(target: Path) -> Iterator[BinaryIO]:
    """Hold a lock. The kernel releases it when this process ends, in whatever way."""
    with target.with_name(f".{target.name}.lock").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file
