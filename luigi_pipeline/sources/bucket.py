"""CitiBike's S3 bucket: listing it, and choosing the key of a month."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from luigi_pipeline.core.errors import FetchFailed, NotThere, Rejected
from luigi_pipeline.core.files import write_atomically
from luigi_pipeline.core.months import Month
from luigi_pipeline.core.redaction import redacted
from luigi_pipeline.sources.base import set_aside_if_rejected
from luigi_pipeline.sources.urls import asking

if TYPE_CHECKING:
    from luigi_pipeline.sources.http import Publisher

_FLAGS = re.IGNORECASE | re.ASCII
MOST_PAGES = 1000  # of 1000 keys each; CitiBike's bucket has one page


def choose_key(keys: list[str], month: Month) -> str | None:
    """The bucket's key for a month. A monthly archive is preferred to a yearly one.

    Jersey City's keys (JC-) do not count. Some keys are misspelt (`citbike`, `citibke`); others are preferred.
    """
    for of in (month.compact, month.year):
        pattern = re.compile(rf"{of}-cit[a-z]*-tripdata(\.csv)?\.zip", _FLAGS)
        matching = [key for key in keys if pattern.fullmatch(key)]
        if matching:
            return min(matching, key=lambda key: ("citibike" not in key.lower(), key))
    return None


def list_keys(bucket: str, prefix: str, publisher: Publisher, folder: Path) -> dict[str, str | None]:
    """List all keys of an S3 bucket that begin with a prefix, each with the ETag of its object.

    Args:
        bucket: The bucket's URL.
        prefix: The beginning of the keys.
        publisher: The HTTP client to use.
        folder: Where an answer that is not a listing is kept.

    Raises:
        FetchFailed: It can't be listed.
        Rejected: The answer is not a bucket's listing.
    """
    keys: dict[str, str | None] = {}
    parameters = {"list-type": "2", "prefix": prefix}
    kept = folder / f"bucket-listing_{prefix}.xml"
    for _ in range(MOST_PAGES):
        try:
            answer = publisher.get(asking(bucket, parameters))
        except NotThere as error:  # the bucket is missing, not only a month of it
            raise FetchFailed(f"{error}; check sources.citibike.base_url") from error
        try:
            page, token = _read(answer, redacted(bucket))
        except Rejected:
            with set_aside_if_rejected(kept):
                write_atomically(kept, answer)
                raise
        keys |= page
        if token is None:
            return keys
        parameters |= {"continuation-token": token}
    raise Rejected(f"{redacted(bucket)}: its listing has no end after {MOST_PAGES:,} pages")


def _read(answer: bytes, bucket: str) -> tuple[dict[str, str | None], str | None]:
    """The keys of a page with their ETags, and the token for the next page."""
    try:
        listing = ET.fromstring(answer, ET.XMLParser(target=_NoDoctype()))
    except (ET.ParseError, ValueError, LookupError) as error:
        raise Rejected(f"{bucket}: does not answer with a bucket's listing ({error})") from error
    fields = list(_without_namespaces(listing))
    if fields[0][0] != "ListBucketResult":
        raise Rejected(f"{bucket}: answers with {fields[0][0]}, not with a bucket's listing")
    texts = dict(fields)
    token = texts.get("NextContinuationToken")
    if texts.get("IsTruncated") == "true" and not token:
        raise Rejected(f"{bucket}: its listing ends in the middle, and does not say where to go on")
    objects = [dict(_without_namespaces(element)) for element in listing if _name(element) == "Contents"]
    return {item["Key"]: item.get("ETag") for item in objects if "Key" in item}, token or None


def _without_namespaces(listing: ET.Element) -> Iterator[tuple[str, str]]:
    for element in listing.iter():
        yield _name(element), element.text or ""


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


class _NoDoctype(ET.TreeBuilder):
    """Refuses a document type, which no listing has.

    With one, a page could expand to gigabytes, or read a local file.
    """

    def doctype(self, name: str, *_: object) -> None:
        """Refuse the document type before its declarations are read."""
        raise ValueError(f"it declares a document type, {name}")
