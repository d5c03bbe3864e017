"""Fetching over HTTP: bounded retries that honour what the publisher asks for, and downloads that resume."""

from __future__ import annotations

import datetime as dt
import email.utils
import fcntl
import json
import logging
import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import httpx
import tenacity

from luigi_pipeline.errors import FetchFailed, NotThere
from luigi_pipeline.markers import digest_file, write_atomically
from luigi_pipeline.settings import Download
from luigi_pipeline.sources.base import Landed

log = logging.getLogger("luigi_pipeline.http")

_CHUNK = 1 << 20
_NOT_THERE = (403, 404)  # CloudFront says 403 for a missing key, S3 404.
_PASSING = (408, 425, 429, 500, 502, 503, 504)

T = TypeVar("T")


class _Passing(Exception):
    """A failure that may pass; `wait_seconds` is what the publisher asks to wait for, if it does."""

    def __init__(self, message: str, wait_seconds: float = 0) -> None:
        super().__init__(message)
        self.wait_seconds = wait_seconds


class Publisher:
    """An HTTP client for one fetch, with the retries and time-outs of the configuration."""

    def __init__(self, policy: Download) -> None:
        """Open no connection yet.

        Args:
            policy: The configuration's `download` block.
        """
        self._policy = policy
        self._client = httpx.Client(
            timeout=policy.timeout_seconds,
            follow_redirects=True,
            headers={"User-Agent": "nyc-mobility-pipeline", "Accept-Encoding": "identity"},
        )

    def __enter__(self) -> Publisher:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, url: str, params: dict[str, str] | None = None) -> bytes:
        """Fetch a small body.

        Raises:
            NotThere: 403 or 404.
            FetchFailed: Any other refusal, or a failure that did not pass.
        """

        def attempt() -> bytes:
            response = self._client.get(url, params=params)
            _raise_for_status(response)
            return response.content

        return self._retry(url, attempt)

    def download(self, url: str, target: Path, known: Landed | None = None) -> Landed:
        """Fetch a file to `target`, resuming a download that an earlier attempt, or run, left unfinished.

        A file that is there already is kept if the publisher says that it is still the current one. Two
        processes that want the same file (months of one yearly archive) take turns, and the second finds it there.

        Args:
            url: The file's URL.
            target: Where it goes.
            known: The file as it was had before, to be asked for only if it has changed, though it is gone from here.

        Returns:
            The file; `known` where it has not changed.

        Raises:
            NotThere: 403 or 404.
            FetchFailed: Any other refusal, or a failure that did not pass.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        with _taking_turns(target):
            return self._retry(url, lambda: self._attempt_download(url, target, known))

    def _attempt_download(self, url: str, target: Path, known: Landed | None) -> Landed:
        here = _landed(target, url) or (known if known and known.url == url else None)
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
                raise _Passing("the publisher's file has changed since the download began")
            _raise_for_status(response)
            if response.status_code == httpx.codes.PARTIAL_CONTENT and not _continues(response, part, resumable):
                part.unlink(missing_ok=True)
                raise _Passing("the publisher answered with another part than was asked for")
            etag, modified = response.headers.get("ETag"), response.headers.get("Last-Modified")
            with part.open("ab") as file:
                if response.status_code != httpx.codes.PARTIAL_CONTENT:
                    # Emptied first: a kill between the two must not leave old bytes under a new ETag.
                    file.truncate(0)
                    write_atomically(_note(part), json.dumps({"url": url, "etag": etag}).encode())
                for chunk in response.iter_raw(_CHUNK):
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            size = part.stat().st_size
            _check_length(response, size)
        landed = Landed(target, url, size, digest_file(part), etag, modified)
        # Before the file that it describes: a kill in between must not leave the old ETag beside the new content.
        _note(target).unlink(missing_ok=True)
        part.replace(target)
        write_atomically(_note(target), json.dumps(asdict(landed), default=str).encode())
        _note(part).unlink(missing_ok=True)
        return landed

    def _retry(self, url: str, attempt: Callable[[], T]) -> T:
        def wrapped() -> T:
            try:
                return attempt()
            except httpx.TransportError as error:
                raise _Passing(_in_words(error)) from error
            except (httpx.TooManyRedirects, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
                raise FetchFailed(f"{url}: {error}") from error

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_Passing),
            stop=lambda state: self._gives_up(state),
            wait=self._wait,
            before_sleep=lambda state: log.warning(
                "%s: %s; attempt %d of %d failed, next in %.0f s",
                url,
                _failure(state),
                state.attempt_number,
                self._policy.max_attempts,
                state.upcoming_sleep,
            ),
            reraise=True,
        )
        try:
            return retrying(wrapped)
        except _Passing as error:
            raise FetchFailed(f"{url}: {error}; gave up, run again later") from error

    def _wait(self, state: tenacity.RetryCallState) -> float:
        backoff: float = self._policy.backoff_seconds * 2 ** (state.attempt_number - 1)
        return max(_failure(state).wait_seconds, backoff * random.uniform(0.5, 1.5))  # jitter, not a secret

    def _gives_up(self, state: tenacity.RetryCallState) -> bool:
        asked = _failure(state).wait_seconds
        return state.attempt_number >= self._policy.max_attempts or asked > self._policy.max_wait_seconds


def _failure(state: tenacity.RetryCallState) -> _Passing:
    error = state.outcome.exception() if state.outcome else None
    return error if isinstance(error, _Passing) else _Passing(str(error))


def _in_words(error: httpx.TransportError) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    return str(error) or type(error).__name__


def _raise_for_status(response: httpx.Response) -> None:
    status = response.status_code
    if status < 300:
        return
    if status in _NOT_THERE:
        raise NotThere(f"{response.url}: HTTP {status}, no such file")
    text = response.read()[:500].decode("utf-8", "replace")
    reason = f"HTTP {status} {_reason(text)}".strip()
    if status in _PASSING:
        raise _Passing(reason, wait_seconds(response.headers.get("Retry-After"), text, dt.datetime.now(dt.UTC)))
    raise FetchFailed(f"{response.url}: {reason}")


def _reason(text: str) -> str:
    try:
        return str(json.loads(text)["reason"])
    except (ValueError, KeyError, TypeError):
        return ""


def wait_seconds(retry_after: str | None, text: str, now: dt.datetime) -> float:
    """How long a publisher asks to wait: by Retry-After, or by the window that Open-Meteo's text names.

    Open-Meteo's limits are counted by the clock: they are lifted at the next minute, hour or UTC day.
    """
    if retry_after:
        if retry_after.strip().isdigit():
            return float(retry_after)
        try:
            until = email.utils.parsedate_to_datetime(retry_after)
        except ValueError:
            return 0
        if until.tzinfo is None:  # HTTP's dates are in GMT, whatever they say
            until = until.replace(tzinfo=dt.UTC)
        return max(0.0, (until - now).total_seconds())
    if "Minutely API request limit" in text:
        return 60
    if "Hourly API request limit" in text:
        return 3600 - now.minute * 60 - now.second + 1
    if "Daily API request limit" in text:
        midnight = dt.datetime.combine(now.date() + dt.timedelta(days=1), dt.time(), dt.UTC)
        return (midnight - now).total_seconds() + 1
    return 0


def _continues(response: httpx.Response, part: Path, etag: str | None) -> bool:
    """Whether a partial answer is of the same file, and begins where the part ends."""
    begins = response.headers.get("Content-Range", "").startswith(f"bytes {part.stat().st_size}-")
    return begins and bool(response.headers.get("ETag") == etag)


def _check_length(response: httpx.Response, size: int) -> None:
    """Compare what is on disk with what the publisher said; a short body without a length is for the content checks."""
    total = response.headers.get("Content-Range", "").rpartition("/")[2] or response.headers.get("Content-Length")
    if total and total.isdigit() and int(total) != size:
        raise _Passing(f"{size:,} bytes arrived of {int(total):,}")


def _note(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _read_note(path: Path) -> dict[str, Any]:
    try:
        note: dict[str, Any] = json.loads(_note(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return note


def _resumable_etag(part: Path, url: str) -> str | None:
    """The ETag to resume with; weak ones name no bytes, so they can't be resumed."""
    note = _read_note(part)
    etag = note.get("etag")
    if not part.exists() or note.get("url") != url or not etag or etag.startswith("W/"):
        return None
    return str(etag)


def _landed(target: Path, url: str) -> Landed | None:
    note = _read_note(target)
    if not target.exists() or note.get("url") != url or note.get("size") != target.stat().st_size:
        return None
    return Landed(**(note | {"path": target}))


@contextmanager
def _taking_turns(target: Path) -> Iterator[BinaryIO]:
    """Hold a lock that is let go by the kernel, whatever becomes of this process."""
    with target.with_name(f".{target.name}.lock").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file
