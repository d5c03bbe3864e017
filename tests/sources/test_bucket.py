"""The bucket's listing: all of it, from whoever sends it, and nothing that is not one."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from support import LAUGHS, listing

from luigi_pipeline.config.settings import Download
from luigi_pipeline.core.errors import FetchFailed, Rejected
from luigi_pipeline.core.months import Month
from luigi_pipeline.sample import Fault, Publishers
from luigi_pipeline.sources.bucket import choose_key, list_keys
from luigi_pipeline.sources.http import Publisher

Keys = Callable[..., dict[str, str | None]]


@pytest.fixture
def keys(publishers: Publishers, tmp_path: Path) -> Keys:
    """List the bucket, answered with these bodies."""

    def ask(*bodies: bytes) -> dict[str, str | None]:
        for body in bodies:
            publishers.faults.add(Fault("/tripdata", kind="garbage", body=body))
        with Publisher(Download()) as publisher:
            return list_keys(f"{publishers.url}/tripdata", "2024", publisher, tmp_path)

    return ask


def test_a_listing_without_a_namespace_is_one(keys: Keys) -> None:
    assert list(keys(listing("a", "b"))) == ["a", "b"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_document_type_is_refused_before_its_entities_are_read(keys: Keys, encoding: str) -> None:
    body = (
        listing("&j;", before=f"{LAUGHS}]>").decode().replace('version="1.0"', f'version="1.0" encoding="{encoding}"')
    )
    with pytest.raises(Rejected, match="it declares a document type, l"):
        keys(body.encode(encoding))


def test_a_page_that_is_not_the_last_must_say_where_to_go_on(keys: Keys) -> None:
    with pytest.raises(Rejected, match="ends in the middle"):
        keys(listing("a", after="<IsTruncated>true</IsTruncated>"))


def test_a_listing_without_end_is_given_up(
    keys: Keys, monkeypatch: pytest.MonkeyPatch, publishers: Publishers, tmp_path: Path
) -> None:
    monkeypatch.setattr("luigi_pipeline.sources.bucket.MOST_PAGES", 5)
    page = listing("a", after="<NextContinuationToken>x</NextContinuationToken>")
    with pytest.raises(Rejected, match=r"its listing has no end after 5 pages"):
        keys(*[page] * 6)
    assert len(publishers.log) == 5


def test_an_answer_that_is_no_listing_is_kept(keys: Keys, tmp_path: Path) -> None:
    with pytest.raises(Rejected, match=r"; kept as .*bucket-listing_2024\.xml\.rejected$"):
        keys(b"<html/>")
    assert (tmp_path / "bucket-listing_2024.xml.rejected").read_bytes() == b"<html/>"


@pytest.mark.parametrize("status", [403, 404])
def test_a_bucket_that_is_not_there_is_not_a_month_that_is_not_published(
    publishers: Publishers, keys: Keys, status: int
) -> None:
    publishers.faults.add(Fault("/tripdata", status=status))
    with pytest.raises(FetchFailed, match=re.escape("check sources.citibike.base_url")) as caught:
        keys()
    assert type(caught.value) is FetchFailed


@pytest.mark.parametrize(
    "key",
    [
        "../202409-citibike-tripdata.zip",
        "/202409-citibike-tripdata.zip",
        "202409-citibike-tripdata.zip\n",
        "202409-citibi\u212ae-tripdata.zip",
        "202409-citibike-tripdata.zip\0.zip",
    ],
)
def test_a_key_that_leads_elsewhere_is_no_month_s(key: str) -> None:
    assert choose_key([key], Month("2024-09")) is None
