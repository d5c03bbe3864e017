"""Faults: each does what it says, as often as it says, to whom it says."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from luigi_pipeline.sample import Fault, Publishers

BODY = b"0123456789" * 20_000
FILE = "/tripdata/202410-citibike-tripdata.zip"


@pytest.fixture
def publishers(tmp_path: Path) -> Publishers:
    (tmp_path / "tripdata").mkdir()
    (tmp_path / FILE.lstrip("/")).write_bytes(BODY)
    return Publishers(tmp_path)


@pytest.fixture
def client(publishers: Publishers) -> Iterator[httpx.Client]:
    with publishers as url, httpx.Client(base_url=url, verify=False, timeout=5) as client:
        yield client


def _received(client: httpx.Client, **options: object) -> tuple[bytes, type[Exception] | None]:
    """What of the body arrives before the error, if there is one."""
    got = b""
    try:
        with client.stream("GET", FILE, **options) as answer:  # type: ignore[arg-type]
            for piece in answer.iter_raw():
                got += piece
    except httpx.HTTPError as error:
        return got, type(error)
    return got, None


def test_status_comes_as_often_as_asked_and_then_the_file(client: httpx.Client, publishers: Publishers) -> None:
    publishers.faults.add(
        Fault("202410", status=429, times=2, retry_after=7, body=b'{"error":true}',
              content_type="application/json")
    )  # fmt: skip
    answers = [client.get(FILE) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert [answer.headers.get("Retry-After") for answer in answers] == ["7", "7", None]
    assert answers[0].json() == {"error": True}
    assert answers[0].headers["Content-Type"] == "application/json"
    assert answers[2].content == BODY
    assert [request.status for request in publishers.log] == [429, 429, 200]


def test_fault_strikes_its_part_and_method_only(client: httpx.Client, publishers: Publishers) -> None:
    publishers.faults.add(Fault("202410", status=500, method="GET"))
    assert client.get("/tripdata").status_code == 200
    assert client.head(FILE).status_code == 200
    assert client.get(FILE).status_code == 500
    assert client.get(FILE).status_code == 200


def test_faults_come_one_after_the_other_and_can_be_cleared(client: httpx.Client, publishers: Publishers) -> None:
    for status in (500, 502, 503):
        publishers.faults.add(Fault("", status=status))
    assert [client.get(FILE).status_code for _ in range(2)] == [500, 502]
    publishers.faults.clear()
    assert client.get(FILE).status_code == 200


def test_garbage_is_an_html_page_with_status_200(client: httpx.Client, publishers: Publishers) -> None:
    publishers.faults.add(Fault("202410", "garbage"))
    answer = client.get(FILE)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html"
    assert answer.content.startswith(b"<!DOCTYPE html>")


def test_redirect_leads_back_or_elsewhere(client: httpx.Client, publishers: Publishers) -> None:
    publishers.faults.add(Fault("202410", "redirect"))
    assert client.get(FILE, follow_redirects=True).content == BODY
    publishers.faults.add(Fault("202410", "redirect", location="/tripdata/gone.zip"))
    answer = client.get(FILE)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/tripdata/gone.zip")


def test_truncate_with_length_is_seen_by_the_client(client: httpx.Client, publishers: Publishers) -> None:
    publishers.faults.add(Fault("202410", "truncate", sent=0.25))
    got, error = _received(client)
    assert (got, error) == (BODY[: len(BODY) // 4], httpx.RemoteProtocolError)
    assert _received(client) == (BODY, None)


def test_truncate_without_length_looks_whole(client: httpx.Client, publishers: Publishers) -> None:
    publishers.faults.add(Fault("202410", "truncate", with_length=False))
    answer = client.get(FILE)
    assert "Content-Length" not in answer.headers
    assert (answer.status_code, answer.content) == (200, BODY[: len(BODY) // 2])


def test_truncate_spoils_a_range_too(client: httpx.Client, publishers: Publishers) -> None:
    publishers.faults.add(Fault("202410", "truncate"))
    got, error = _received(client, headers={"Range": "bytes=100000-"})
    assert (got, error) == (BODY[100_000:150_000], httpx.RemoteProtocolError)


def test_reset_breaks_the_connection(client: httpx.Client, publishers: Publishers) -> None:
    publishers.faults.add(Fault("202410", "reset"))
    got, error = _received(client)
    assert error is httpx.ReadError  # a reset, not an early end
    assert len(got) <= len(BODY) // 2
    assert _received(client) == (BODY, None)


def test_stall_sends_a_part_and_then_nothing(client: httpx.Client, publishers: Publishers) -> None:
    publishers.faults.add(Fault("202410", "stall", sent=0.1, seconds=30))
    begun = time.monotonic()
    got, error = _received(client, timeout=0.3)
    assert (got, error) == (BODY[: len(BODY) // 10], httpx.ReadTimeout)
    assert time.monotonic() - begun < 5


def test_closing_does_not_wait_for_a_stall(publishers: Publishers) -> None:
    publishers.faults.add(Fault("202410", "stall", seconds=60))
    threads, begun = threading.active_count(), time.monotonic()
    with publishers as url, pytest.raises(httpx.ReadTimeout):
        httpx.get(url + FILE, timeout=0.2)
    while threading.active_count() > threads and time.monotonic() - begun < 5:
        time.sleep(0.01)
    assert time.monotonic() - begun < 3  # neither the server nor its stalled answer lives on


def test_slow_sends_everything_over_its_time(client: httpx.Client, publishers: Publishers) -> None:
    publishers.faults.add(Fault("202410", "slow", seconds=0.4))
    begun = time.monotonic()
    assert client.get(FILE).content == BODY
    assert time.monotonic() - begun >= 0.4


def test_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="fault kind 'explode' is none of status, garbage"):
        Fault("x", "explode")  # type: ignore[arg-type]
