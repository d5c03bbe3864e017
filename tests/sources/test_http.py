"""Fetching: bounded retries, downloads that resume, and files that are fetched once."""

import base64
import dataclasses
import datetime as dt
import hashlib
import json
import os
import random
import re
import socket
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from fixtures import Serve, Wait
from support import program

from luigi_pipeline.config.settings import Download
from luigi_pipeline.core.errors import FetchFailed, NotThere
from luigi_pipeline.sample import Fault, Publishers
from luigi_pipeline.sources.http import Publisher
from luigi_pipeline.sources.retries import wait_seconds
from luigi_pipeline.sources.urls import asking

KEY = "/tripdata/202409-citibike-tripdata.zip"
BODY = random.Random(1).randbytes(6_000_000)  # several of the client's pieces
NOW = dt.datetime(2024, 12, 1, 10, 20, 30, tzinfo=dt.UTC)


def policy(**changes: float) -> Download:
    return Download.model_validate({"timeout_seconds": 5, "max_attempts": 3, "backoff_seconds": 0.01} | changes)


def fetch(url: str, target: Path, **changes: float) -> bytes:
    with Publisher(policy(**changes)) as publisher:
        landed = publisher.download(url, target)
    assert landed.path == target
    return target.read_bytes()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What the server serves: one file."""
    file = tmp_path / "published" / KEY.lstrip("/")
    file.parent.mkdir(parents=True)
    file.write_bytes(BODY)
    return tmp_path / "published"


@pytest.fixture
def server(serve: Serve, folder: Path) -> Publishers:
    """Its server."""
    return serve(folder)


@pytest.fixture
def url(server: Publishers) -> str:
    """The file's URL."""
    return server.url + KEY


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Where the file goes."""
    return tmp_path / "landing" / "citibike" / "202409-citibike-tripdata.zip"


def seen(server: Publishers) -> list[tuple[int, bool]]:
    """Status of each answer, and whether a range was asked for."""
    return [(request.status, request.range is not None) for request in server.log]


def test_a_download_notes_what_it_is_of(server: Publishers, url: str, target: Path) -> None:
    with Publisher(policy()) as publisher:
        landed = publisher.download(url, target)
    assert landed.url == url
    assert landed.size == len(BODY)
    assert landed.sha256 == hashlib.sha256(BODY).hexdigest()
    assert landed.version == landed.sha256[:16]
    assert landed.etag == f'"{hashlib.md5(BODY).hexdigest()}"'
    assert landed.last_modified is not None
    assert landed.last_modified.endswith(" GMT")
    assert target.read_bytes() == BODY
    assert not target.with_name(f"{target.name}.part").exists()


@pytest.mark.parametrize("kind", ["truncate", "reset"])
def test_a_broken_download_goes_on_where_it_broke(server: Publishers, url: str, target: Path, kind: str) -> None:
    server.faults.add(Fault(KEY, kind=kind, sent=0.7))  # type: ignore[arg-type]
    assert fetch(url, target) == BODY
    assert seen(server) == [(200, False), (206, True)]
    if kind == "truncate":
        asked = re.fullmatch(r"bytes=(\d+)-", server.log[1].range or "")
        assert asked
        assert int(asked[1]) >= 3 * 1024 * 1024


def test_another_run_goes_on_where_one_gave_up(server: Publishers, url: str, target: Path) -> None:
    server.faults.add(Fault(KEY, kind="truncate", sent=0.5))
    with pytest.raises(FetchFailed, match="gave up"):
        fetch(url, target, max_attempts=1)
    assert not target.exists()
    assert fetch(url, target) == BODY
    assert seen(server) == [(200, False), (206, True)]


def test_a_file_that_changes_in_the_middle_is_fetched_from_its_start(
    server: Publishers, url: str, target: Path, folder: Path
) -> None:
    server.faults.add(Fault(KEY, kind="truncate", sent=0.5))
    with pytest.raises(FetchFailed):
        fetch(url, target, max_attempts=1)
    changed = BODY[::-1]
    (folder / KEY.lstrip("/")).write_bytes(changed)
    assert fetch(url, target) == changed
    assert seen(server) == [(200, False), (200, True)]


def test_a_download_from_elsewhere_is_not_resumed(server: Publishers, url: str, target: Path, folder: Path) -> None:
    server.faults.add(Fault(KEY, kind="truncate", sent=0.5))
    with pytest.raises(FetchFailed):
        fetch(url, target, max_attempts=1)
    other = folder / "tripdata" / "other.zip"
    other.write_bytes(b"other")
    assert fetch(f"{server.url}/tripdata/other.zip", target) == b"other"
    assert server.log[-1].range is None


def test_more_than_the_file_on_disk_is_thrown_away(server: Publishers, url: str, target: Path) -> None:
    server.faults.add(Fault(KEY, kind="truncate", sent=0.5))
    with pytest.raises(FetchFailed):
        fetch(url, target, max_attempts=1)
    with target.with_name(f"{target.name}.part").open("ab") as part:
        part.write(BODY)
    assert fetch(url, target) == BODY
    assert seen(server) == [(200, False), (416, True), (200, False)]


@pytest.mark.parametrize("etag", ['W/"weak"', ""], ids=["weak", "none"])
def test_without_a_strong_etag_a_download_begins_anew(server: Publishers, url: str, target: Path, etag: str) -> None:
    server.faults.add(Fault(KEY, kind="truncate", sent=0.7, etag=etag))
    assert fetch(url, target) == BODY
    assert seen(server) == [(200, False), (200, False)]


def test_a_publisher_that_knows_no_ranges_sends_the_file_anew(server: Publishers, url: str, target: Path) -> None:
    server.faults.add(Fault(KEY, kind="truncate", sent=0.7))
    server.faults.add(Fault(KEY, kind="slow", seconds=0, ignores_range=True))
    assert fetch(url, target) == BODY
    assert seen(server) == [(200, False), (200, True)]


def test_a_part_of_another_version_is_not_taken(server: Publishers, url: str, target: Path) -> None:
    """A range that is honoured although If-Range does not hold."""
    server.faults.add(Fault(KEY, kind="truncate", sent=0.7))
    server.faults.add(Fault(KEY, kind="slow", seconds=0, etag='"another"'))
    assert fetch(url, target) == BODY
    assert seen(server) == [(200, False), (206, True), (200, False)]


def test_a_resumed_file_is_held_to_its_hash(server: Publishers, url: str, target: Path) -> None:
    """The part on disk is another than the one that was written; S3's ETag of an object is its MD5."""
    server.faults.add(Fault(KEY, kind="truncate", sent=0.5))
    with pytest.raises(FetchFailed):
        fetch(url, target, max_attempts=1)
    part = target.with_name(f"{target.name}.part")
    part.write_bytes(part.read_bytes()[::-1])
    assert fetch(url, target) == BODY
    assert seen(server) == [(200, False), (206, True), (200, False)]


def test_a_file_whose_etag_is_no_hash_is_resumed_all_the_same(server: Publishers, url: str, target: Path) -> None:
    for fault in (Fault(KEY, kind="truncate"), Fault(KEY, kind="slow"), Fault(KEY, kind="slow")):
        server.faults.add(dataclasses.replace(fault, seconds=0, etag='"5d41-2"'))
    assert fetch(url, target) == BODY
    assert seen(server)[0] == (200, False)


def test_each_break_costs_what_is_missing_and_no_more(server: Publishers, url: str, target: Path) -> None:
    server.faults.add(Fault(KEY, kind="truncate", sent=0.5, times=3))
    assert fetch(url, target, max_attempts=4) == BODY
    asked = [int((request.range or "bytes=0-")[6:-1]) for request in server.log]
    assert asked == sorted(set(asked)), "each attempt begins after the one before"


@pytest.mark.parametrize("size", [len(BODY) - 1, 1000])
def test_a_file_that_is_too_large_is_not_fetched_to_its_end(
    server: Publishers, url: str, target: Path, size: int
) -> None:
    with pytest.raises(FetchFailed, match=r"is larger than download\.max_file_bytes"):
        fetch(url, target, max_file_bytes=size)
    assert sum(path.stat().st_size for path in target.parent.iterdir()) < 1000
    assert fetch(url, target, max_file_bytes=len(BODY)) == BODY


def test_an_answer_without_end_is_not_read_to_it(
    server: Publishers, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("luigi_pipeline.sources.http.LARGEST_ANSWER", 1_000_000)
    with Publisher(policy()) as publisher, pytest.raises(FetchFailed, match="answers with more than 1,000,000 bytes"):
        publisher.get(server.url + KEY)


def test_a_note_that_others_have_written_is_no_note(server: Publishers, url: str, target: Path) -> None:
    for text in ("[]", "{}", '{"url": 1, "size": 6000000}', "no JSON", f'{{"url": "{url}", "size": {len(BODY)}}}'):
        fetch(url, target)
        target.with_name(f"{target.name}.json").write_text(text, encoding="utf-8")
        assert fetch(url, target) == BODY


class _Recording(BaseHTTPRequestHandler):
    """Notes who asks, and answers with what it is given."""

    asked: ClassVar[list[tuple[str, str | None]]] = []

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers["Authorization"]))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *args: object) -> None:
        pass


def test_what_a_url_keeps_secret_goes_with_the_request_and_nowhere_else(target: Path) -> None:
    server = HTTPServer(("127.0.0.1", 0), _Recording)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    place = f"127.0.0.1:{server.server_port}"
    try:
        with Publisher(policy()) as publisher:
            landed = publisher.download(f"http://user:hush@{place}/a/b.zip?apikey=hush2&x=1", target)
    finally:
        server.shutdown()
        server.server_close()
    basic = base64.b64encode(b"user:hush").decode()
    assert _Recording.asked == [("/a/b.zip?apikey=hush2&x=1", f"Basic {basic}")]
    assert landed.url == f"http://***@{place}/a/b.zip?apikey=***&x=1"
    assert not [path for path in target.parent.iterdir() if b"hush" in path.read_bytes()]


def start_download(url: str, target: Path) -> subprocess.Popen[bytes]:
    """Download in a process of its own."""
    return subprocess.Popen(program("download", url, target))


def test_a_killed_download_holds_no_lock_and_is_resumed(
    server: Publishers, url: str, target: Path, wait_until: Wait
) -> None:
    server.faults.add(Fault(KEY, kind="stall", sent=0.5, seconds=60))
    process = start_download(url, target)
    part = target.with_name(f"{target.name}.part")
    wait_until(lambda: part.exists() and part.stat().st_size > 1_000_000)
    process.kill()
    process.wait()
    begun = time.monotonic()
    assert fetch(url, target) == BODY
    assert time.monotonic() - begun < 5
    assert seen(server) == [(200, False), (206, True)]


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(server: Publishers, url: str, target: Path, status: int) -> None:
    server.faults.add(Fault(KEY, status=status, times=2))
    assert fetch(url, target) == BODY
    assert [request.status for request in server.log] == [status, status, 200]


def test_attempts_are_bounded_and_the_url_is_named(server: Publishers, url: str, target: Path) -> None:
    server.faults.add(Fault(KEY, status=503, times=99))
    with pytest.raises(FetchFailed, match=rf"^{re.escape(url)}: HTTP 503; gave up, run again later$"):
        fetch(url, target, max_attempts=4)
    assert len(server.log) == 4
    assert not target.exists()


def test_a_silent_publisher_is_given_up(server: Publishers, url: str, target: Path) -> None:
    server.faults.add(Fault(KEY, kind="stall", sent=0, times=99, seconds=20))
    begun = time.monotonic()
    with pytest.raises(FetchFailed, match="no answer in time"):
        fetch(url, target, max_attempts=2, timeout_seconds=0.3)
    assert time.monotonic() - begun < 4
    assert len(server.log) == 2


def test_a_publisher_that_is_not_there_is_given_up(target: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}/a"
        with pytest.raises(FetchFailed, match=rf"^{url}: .*gave up"):
            fetch(url, target)


@pytest.mark.parametrize(("status", "path"), [(403, "/trip-data/none.parquet"), (404, "/tripdata/none.zip")])
def test_a_missing_file_is_told_at_once(server: Publishers, target: Path, status: int, path: str) -> None:
    with pytest.raises(NotThere, match=f"{server.url}{path}: HTTP {status}"):
        fetch(server.url + path, target)
    assert [request.status for request in server.log] == [status]


@pytest.mark.parametrize("status", [400, 401, 410, 501])
def test_other_refusals_are_final_and_give_the_reason(server: Publishers, url: str, target: Path, status: int) -> None:
    body = json.dumps({"error": True, "reason": "Invalid timezone"}).encode()
    server.faults.add(Fault(KEY, status=status, body=body, times=9))
    with pytest.raises(FetchFailed, match=f"HTTP {status} Invalid timezone") as caught:
        fetch(url, target)
    assert not isinstance(caught.value, NotThere)
    assert len(server.log) == 1


def test_retry_after_is_honoured(server: Publishers, url: str, target: Path) -> None:
    server.faults.add(Fault(KEY, status=429, retry_after=1))
    begun = time.monotonic()
    assert fetch(url, target) == BODY
    assert time.monotonic() - begun >= 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault(KEY, status=503, retry_after=600, times=9),
        Fault(KEY, status=429, body=b'{"reason": "Minutely API request limit exceeded."}', times=9),
    ],
)
def test_a_longer_wait_than_allowed_is_not_begun(server: Publishers, url: str, target: Path, fault: Fault) -> None:
    server.faults.add(fault)
    begun = time.monotonic()
    with pytest.raises(FetchFailed, match="gave up"):
        fetch(url, target, max_wait_seconds=30)
    assert time.monotonic() - begun < 2
    assert len(server.log) == 1


@pytest.mark.parametrize(
    ("retry_after", "text", "seconds"),
    [
        ("7", "", 7),
        (" 7 ", "", 7),
        ("Sun, 01 Dec 2024 10:21:00 GMT", "", 30),
        ("Sun, 01 Dec 2024 10:20:00 GMT", "", 0),
        ("Sun, 01 Dec 2024 10:21:00 -0000", "", 30),
        ("Sun, 01 Dec 2024 10:21:00", "", 30),
        ("soon", "", 0),
        ("²", "", 0),
        ("-5", "", 0),
        ("9" * 400, "", 999999999999),
        ("Sun, 01 Dec 99999 10:21:00 GMT", "", 0),
        ("7", "Hourly API request limit exceeded. Please try again in the next hour.", 7),
        (None, "Minutely API request limit exceeded. Please try again in one minute.", 60),
        (None, "Hourly API request limit exceeded. Please try again in the next hour.", 2371),
        (None, "Daily API request limit exceeded. Please try again tomorrow.", 49171),
        (None, "Too many concurrent requests", 0),
        (None, "The service is overloaded", 0),
        (None, "", 0),
    ],
)
def test_a_publisher_says_how_long_to_wait(retry_after: str | None, text: str, seconds: float) -> None:
    assert wait_seconds(retry_after, text, NOW) == seconds


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1"])
def test_a_redirect_to_another_scheme_is_refused_at_once(
    server: Publishers, url: str, target: Path, location: str
) -> None:
    server.faults.add(Fault(KEY, kind="redirect", location=location))
    with pytest.raises(FetchFailed, match="only http and https are fetched"):
        fetch(url, target)
    assert len(server.log) == 1


@pytest.mark.parametrize("location", ["http://[", "data:,x", "http://"])
def test_a_redirect_that_leads_nowhere_is_told(server: Publishers, url: str, target: Path, location: str) -> None:
    server.faults.add(Fault(KEY, kind="redirect", location=location, times=9))
    with pytest.raises(FetchFailed, match=re.escape(url)):
        fetch(url, target)


def test_a_wait_that_is_too_long_to_be_a_date_is_told(server: Publishers, url: str, target: Path) -> None:
    server.faults.add(Fault(KEY, status=503, retry_after="9" * 400))
    with pytest.raises(FetchFailed, match=r"run again after 20\d\d-"):
        fetch(url, target)


def test_a_redirect_is_followed(server: Publishers, url: str, target: Path) -> None:
    server.faults.add(Fault("/moved", kind="redirect", location=KEY))
    assert fetch(f"{server.url}/moved", target) == BODY
    assert [request.status for request in server.log] == [302, 200]


def test_a_circle_of_redirects_ends(server: Publishers, url: str, target: Path) -> None:
    server.faults.add(Fault(KEY, kind="redirect", times=1000))
    with pytest.raises(FetchFailed, match=re.escape(url)):
        fetch(url, target)
    assert len(server.log) < 30


def test_an_unchanged_file_costs_one_conditional_request(server: Publishers, url: str, target: Path) -> None:
    with Publisher(policy()) as publisher:
        first = publisher.download(url, target)
    written = target.stat()
    with Publisher(policy()) as publisher:
        again = publisher.download(url, target)
    assert again == first
    assert (target.stat().st_ino, target.stat().st_mtime_ns) == (written.st_ino, written.st_mtime_ns)
    assert [(request.status, request.if_none_match) for request in server.log] == [(200, None), (304, first.etag)]


def test_a_changed_file_is_fetched_anew(server: Publishers, url: str, target: Path, folder: Path) -> None:
    assert fetch(url, target) == BODY
    (folder / KEY.lstrip("/")).write_bytes(b"republished")
    assert fetch(url, target) == b"republished"


def test_a_landed_file_that_was_cut_off_is_fetched_anew(server: Publishers, url: str, target: Path) -> None:
    fetch(url, target)
    os.truncate(target, 100)
    assert fetch(url, target) == BODY
    assert [request.if_none_match for request in server.log] == [None, None]


def test_the_same_file_of_another_publisher_is_fetched(serve: Serve, url: str, target: Path, folder: Path) -> None:
    fetch(url, target)
    mirror = serve(folder)
    assert fetch(mirror.url + KEY, target) == BODY
    assert [(request.status, request.if_none_match) for request in mirror.log] == [(200, None)]


def test_processes_that_want_the_same_file_download_it_once(server: Publishers, url: str, target: Path) -> None:
    server.faults.add(Fault(KEY, kind="slow", seconds=1.5))
    processes = [start_download(url, target) for _ in range(2)]
    assert [process.wait(30) for process in processes] == [0, 0]
    assert [request.status for request in server.log] == [200, 304]
    assert target.read_bytes() == BODY


def test_a_small_body_is_given_with_its_parameters(server: Publishers) -> None:
    with Publisher(policy()) as publisher:
        body = publisher.get(asking(f"{server.url}/tripdata", {"list-type": "2", "prefix": "2024"}))
    assert b"<Key>202409-citibike-tripdata.zip</Key>" in body
    assert server.log[0].query == {"list-type": "2", "prefix": "2024"}
