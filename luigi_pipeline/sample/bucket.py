"""CitiBike's S3 bucket: its listing, page by page."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape

from luigi_pipeline.sample.objects import ETags

LARGEST_PAGE = 1000
_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


def error(code: str, message: str, **details: str) -> bytes:
    """S3's body for an error."""
    fields = {"Code": code, "Message": message, **details}
    return f"{_XML}<Error>{_elements(fields)}</Error>".encode()


def listing(folder: Path, query: Mapping[str, str], etags: ETags) -> tuple[int, bytes]:
    """List a bucket's keys in order.

    As in S3, `list-type=2` pages by continuation-token and start-after. Without it, paging is by marker. Each ignores
    the parameters of the other.

    Args:
        folder: The folder that is the bucket.
        query: prefix, max-keys and the paging parameters.
        etags: The cache of the files' ETags.

    Returns:
        The status, and an XML body.
    """
    second = query.get("list-type") == "2"
    try:
        limit = min(int(query.get("max-keys", LARGEST_PAGE)), LARGEST_PAGE)
        after = _start(query, second)
    except ValueError as wrong:
        return 400, error("InvalidArgument", str(wrong))
    if limit < 0:
        return 400, error("InvalidArgument", "max-keys must not be negative")
    prefix = query.get("prefix", "")
    keys = [key for key in _keys(folder) if key.startswith(prefix) and key > after]
    page = keys[:limit]
    more = bool(page) and len(keys) > limit

    fields = {"Name": folder.name, "Prefix": prefix, "MaxKeys": str(limit)}
    fields["IsTruncated"] = str(more).lower()
    if second:
        fields["KeyCount"] = str(len(page))
        if more:
            fields["NextContinuationToken"] = _token(page[-1])
    else:
        fields["Marker"] = after
    contents = "".join(_contents(folder / key, key, etags) for key in page)
    return 200, (
        f'{_XML}<ListBucketResult xmlns="{_NAMESPACE}">{_elements(fields)}{contents}</ListBucketResult>'
    ).encode()


def _elements(fields: Mapping[str, str]) -> str:
    return "".join(f"<{name}>{escape(text)}</{name}>" for name, text in fields.items())


def _keys(folder: Path) -> list[str]:
    """Keys in S3's order, which is that of their bytes. Files that are still being written are left out."""
    files = (file for file in folder.rglob("[!.]*") if file.is_file())
    return sorted((file.relative_to(folder).as_posix() for file in files), key=str.encode)


def _start(query: Mapping[str, str], second: bool) -> str:
    if not second:
        return query.get("marker", "")
    token = query.get("continuation-token")
    return query.get("start-after", "") if token is None else _key(token)


def _token(key: str) -> str:
    """An opaque token, so that no client can mistake it for a key."""
    return base64.b64encode(b"1" + key.encode()).decode()


def _key(token: str) -> str:
    try:
        return base64.b64decode(token, validate=True)[1:].decode()
    except (binascii.Error, UnicodeDecodeError):
        raise ValueError("The continuation token provided is incorrect") from None


def _contents(file: Path, key: str, etags: ETags) -> str:
    stat = file.stat()
    modified = dt.datetime.fromtimestamp(int(stat.st_mtime), dt.UTC)
    fields = {
        "Key": key,
        "LastModified": modified.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "ETag": etags.of(file),
        "Size": str(stat.st_size),
        "StorageClass": "STANDARD",
    }
    return f"<Contents>{_elements(fields)}</Contents>"
