"""The server: CDN, bucket, ranges and validators."""

import base64
import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import httpx
import pytest

from luigi_pipeline.sample import Publishers

BODY = bytes(range(256)) * 800  # more than one chunk
FILE = "/trip-data/yellow_tripdata_2024-10.parquet"
NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A few files of known content; the server does not look into them."""
    for path, body in {
        FILE: BODY,
        "/tripdata/202410-citibike-tripdata.zip": b"october",
        "/tripdata/202411-citibike-tripdata.zip": b"november",
        "/tripdata/JC-202410-citibike-tripdata.csv.zip": b"jersey",
        "/tripdata/a & <b>.txt": b"odd",
        "/tripdata/deep/202409.zip": b"deep",
        "/tripdata/.202412-citibike-tripdata.zip.part": b"being written",
        "/secret.txt": b"inside",
    }.items():
        file = tmp_path / "root" / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
    os.utime(tmp_path / "root" / FILE.lstrip("/"), (1_733_400_000, 1_733_400_000))
    (tmp_path / "outside.txt").write_bytes(b"outside")
    return tmp_path / "root"


@pytest.fixture
def publishers(folder: Path) -> Publishers:
    return Publishers(folder)


@pytest.fixture
def client(publishers: Publishers) -> Iterator[httpx.Client]:
    with publishers as url, httpx.Client(base_url=url, verify=False, timeout=5) as client:
        yield client


def _listing(answer: httpx.Response) -> tuple[list[str], dict[str, str]]:
    root = ElementTree.fromstring(answer.content)
    assert root.tag == f"{NAMESPACE}ListBucketResult"
    keys = [key.text or "" for key in root.iter(f"{NAMESPACE}Key")]
    plain = {e.tag.removeprefix(NAMESPACE): e.text or "" for e in root if not len(e)}
    return keys, plain


def test_file_comes_whole_with_its_validators(client: httpx.Client) -> None:
    answer = client.get(FILE)
    assert (answer.status_code, answer.content) == (200, BODY)
    assert answer.headers["ETag"] == f'"{hashlib.md5(BODY).hexdigest()}"'
    assert answer.headers["Last-Modified"] == "Thu, 05 Dec 2024 12:00:00 GMT"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Content-Length"] == str(len(BODY))


def test_head_has_the_headers_and_no_body(client: httpx.Client) -> None:
    head, get = client.head(FILE), client.get(FILE)
    names = ("ETag", "Last-Modified", "Content-Length", "Content-Type")
    assert [head.headers[name] for name in names] == [get.headers[name] for name in names]
    assert head.content == b""


def test_missing_is_403_at_the_cdn_and_404_in_the_bucket(client: httpx.Client) -> None:
    for method in ("GET", "HEAD"):
        assert client.request(method, "/trip-data/nothing.parquet").status_code == 403
        assert client.request(method, "/tripdata/nothing.zip").status_code == 404
    assert b"<Code>AccessDenied</Code>" in client.get("/trip-data/nothing.parquet").content
    body = client.get("/tripdata/no%26thing.zip").content
    assert b"<Code>NoSuchKey</Code>" in body
    assert b"<Key>no&amp;thing.zip</Key>" in body


@pytest.mark.parametrize("path", ["/../outside.txt", "/%2e%2e/outside.txt", "/misc/%00", "/"])
def test_nothing_outside_the_folder_is_served(client: httpx.Client, path: str) -> None:
    raw = client.base_url.copy_with(raw_path=path.encode())  # as it is, with its dots
    assert client.get(raw).status_code == 403


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-99", 0, 99),
        ("bytes=100000-", 100_000, len(BODY) - 1),
        ("bytes=-10", len(BODY) - 10, len(BODY) - 1),
        (f"bytes=5-{len(BODY) + 50}", 5, len(BODY) - 1),
        (f"bytes=-{len(BODY) + 50}", 0, len(BODY) - 1),
    ],
)
def test_range_gives_those_bytes(client: httpx.Client, asked: str, first: int, last: int) -> None:
    answer = client.get(FILE, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, BODY[first : last + 1])
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(BODY)}"


def test_range_past_the_end_is_416(client: httpx.Client) -> None:
    answer = client.get(FILE, headers={"Range": f"bytes={len(BODY)}-"})
    assert (answer.status_code, answer.content) == (416, b"")
    assert answer.headers["Content-Range"] == f"bytes */{len(BODY)}"


@pytest.mark.parametrize("asked", ["bytes=9-5", "bytes=-", "lines=1-2", "bytes=0-1,5-6"])
def test_unusable_range_is_ignored(client: httpx.Client, asked: str) -> None:
    answer = client.get(FILE, headers={"Range": asked})
    assert (answer.status_code, len(answer.content)) == (200, len(BODY))


def test_if_range_resumes_only_the_same_version(client: httpx.Client, folder: Path) -> None:
    before = client.get(FILE).headers
    for validator in (before["ETag"], before["Last-Modified"]):
        answer = client.get(FILE, headers={"Range": "bytes=7-", "If-Range": validator})
        assert (answer.status_code, answer.content) == (206, BODY[7:])
    file = folder / FILE.lstrip("/")
    file.write_bytes(BODY[::-1])
    for validator in (before["ETag"], before["Last-Modified"]):
        answer = client.get(FILE, headers={"Range": "bytes=7-", "If-Range": validator})
        assert (answer.status_code, answer.content) == (200, BODY[::-1])


def test_unchanged_file_is_304(client: httpx.Client) -> None:
    headers = client.get(FILE).headers
    tag = headers["ETag"]
    for condition in (
        {"If-None-Match": tag},
        {"If-None-Match": f'"other", W/{tag}'},
        {"If-None-Match": "*"},
        {"If-Modified-Since": headers["Last-Modified"]},
    ):
        answer = client.get(FILE, headers=condition)
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["ETag"] == tag
    for condition in (
        {"If-None-Match": '"other"'},
        {"If-None-Match": '"other"', "If-Modified-Since": headers["Last-Modified"]},
        {"If-Modified-Since": "Thu, 05 Dec 2024 11:59:59 GMT"},
        {"If-Modified-Since": "nonsense"},
    ):
        assert client.get(FILE, headers=condition).status_code == 200


def test_republished_file_gets_another_etag_even_with_the_old_date(client: httpx.Client, folder: Path) -> None:
    before = client.get(FILE).headers
    file = folder / FILE.lstrip("/")
    dates = (file.stat().st_atime_ns, file.stat().st_mtime_ns)
    file.write_bytes(BODY[::-1])
    os.utime(file, ns=dates)
    after = client.get(FILE).headers
    assert before["Last-Modified"] == after["Last-Modified"]
    assert before["ETag"] != after["ETag"]


def test_bucket_lists_its_keys_in_order(client: httpx.Client) -> None:
    keys, fields = _listing(client.get("/tripdata", params={"list-type": "2"}))
    assert keys == [
        "202410-citibike-tripdata.zip",
        "202411-citibike-tripdata.zip",
        "JC-202410-citibike-tripdata.csv.zip",
        "a & <b>.txt",
        "deep/202409.zip",
    ]
    assert (fields["IsTruncated"], fields["KeyCount"], fields["Name"]) == ("false", "5", "tripdata")
    assert "NextContinuationToken" not in fields
    for key in keys:
        assert client.get(f"/tripdata/{key}").status_code == 200


def test_listed_etag_and_size_are_the_object_s(client: httpx.Client) -> None:
    answer = client.get("/tripdata/", params={"prefix": "202411"})
    root = ElementTree.fromstring(answer.content)
    found = {e.tag.removeprefix(NAMESPACE): e.text for e in root.iter()}
    head = client.head("/tripdata/202411-citibike-tripdata.zip")
    assert found["ETag"] == head.headers["ETag"]
    assert found["Size"] == head.headers["Content-Length"] == "8"


def test_pages_by_continuation_token(client: httpx.Client) -> None:
    query = {"list-type": "2", "max-keys": "2"}
    seen, pages = [], 0
    while True:
        keys, fields = _listing(client.get("/tripdata", params=query))
        seen += keys
        pages += 1
        assert fields["MaxKeys"] == "2"
        if fields["IsTruncated"] == "false":
            break
        assert fields["NextContinuationToken"] not in keys
        query["continuation-token"] = fields["NextContinuationToken"]
    assert pages == 3
    assert len(seen) == len(set(seen)) == 5


def test_first_version_of_the_listing_pages_by_marker(client: httpx.Client) -> None:
    keys, fields = _listing(client.get("/tripdata", params={"max-keys": "2"}))
    assert fields["IsTruncated"] == "true"
    assert "NextContinuationToken" not in fields
    rest, fields = _listing(client.get("/tripdata", params={"marker": keys[-1]}))
    assert (len(rest), fields["IsTruncated"]) == (3, "false")


def test_listing_narrows_by_prefix_and_start(client: httpx.Client) -> None:
    keys, fields = _listing(client.get("/tripdata", params={"list-type": "2", "prefix": "2024"}))
    assert len(keys) == 2
    assert fields["Prefix"] == "2024"
    keys, _ = _listing(client.get("/tripdata", params={"list-type": "2", "start-after": "202410z"}))
    assert keys[0] == "202411-citibike-tripdata.zip"


@pytest.mark.parametrize(
    "query",
    [
        {"max-keys": "many"},
        {"max-keys": "-1"},
        {"list-type": "2", "continuation-token": "not base64!"},
        {"list-type": "2", "continuation-token": base64.b64encode(b"1\xff").decode()},
    ],
)
def test_bad_listing_request_is_400(client: httpx.Client, query: dict[str, str]) -> None:
    answer = client.get("/tripdata", params=query)
    assert answer.status_code == 400
    assert b"<Code>InvalidArgument</Code>" in answer.content


def test_log_tells_what_was_asked(client: httpx.Client, publishers: Publishers) -> None:
    client.get(FILE, headers={"Range": "bytes=0-9"})
    client.head(FILE, headers={"If-None-Match": '"x"'})
    client.get("/tripdata", params={"prefix": "a b", "list-type": ""})
    client.get("/misc/none.csv")
    assert publishers.log == [
        ("GET", FILE, {}, "bytes=0-9", None, 206),
        ("HEAD", FILE, {}, None, '"x"', 200),
        ("GET", "/tripdata", {"prefix": "a b", "list-type": ""}, None, None, 200),
        ("GET", "/misc/none.csv", {}, None, None, 403),
    ]
    assert client.post(FILE).status_code == 501


def test_many_at_once_get_the_right_bytes(client: httpx.Client) -> None:
    results: list[bool] = []

    def fetch(first: int) -> None:
        answer = httpx.get(client.base_url.join(FILE), headers={"Range": f"bytes={first}-"})
        results.append(answer.content == BODY[first:])

    threads = [threading.Thread(target=fetch, args=(n * 1000,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 12


def test_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError, match="no folder"):
        Publishers(tmp_path / "none")


def test_port_is_free_again_after_closing(folder: Path) -> None:
    with Publishers(folder) as url:
        assert httpx.get(url + FILE).status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(url + FILE)
    port = int(url.rsplit(":", 1)[1])
    with Publishers(folder, port=port) as again:
        assert again == url
