"""CitiBike's trips: zip archives in a bucket, monthly or yearly, each with one or more CSV files.

Facts from CitiBike's system data page and its archives: 15 columns up to January 2021, 13 since; archives are named and
built in many ways, so the bucket is listed, and the columns decide which schema a file has.
"""

from __future__ import annotations

import datetime as dt
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from luigi_pipeline.errors import FetchFailed, NotPublished, NotThere, Rejected
from luigi_pipeline.months import may_be_unpublished
from luigi_pipeline.settings import Download, Settings
from luigi_pipeline.sources import csvfiles
from luigi_pipeline.sources.archives import Member, check, csv_members, has_month
from luigi_pipeline.sources.base import Landed, Part, match_columns, set_aside_if_rejected

if TYPE_CHECKING:
    from luigi_pipeline.sources.http import Publisher

_CURRENT = {
    "ride_id": "VARCHAR",
    "rideable_type": "VARCHAR",
    "started_at": "TIMESTAMP",
    "ended_at": "TIMESTAMP",
    "start_station_name": "VARCHAR",
    "start_station_id": "VARCHAR",
    "end_station_name": "VARCHAR",
    "end_station_id": "VARCHAR",
    "start_lat": "DOUBLE",
    "start_lng": "DOUBLE",
    "end_lat": "DOUBLE",
    "end_lng": "DOUBLE",
    "member_casual": "VARCHAR",
}
_LEGACY = {
    "tripduration": "BIGINT",
    "starttime": "TIMESTAMP",
    "stoptime": "TIMESTAMP",
    "start_station_id": "VARCHAR",
    "start_station_name": "VARCHAR",
    "start_station_latitude": "DOUBLE",
    "start_station_longitude": "DOUBLE",
    "end_station_id": "VARCHAR",
    "end_station_name": "VARCHAR",
    "end_station_latitude": "DOUBLE",
    "end_station_longitude": "DOUBLE",
    "bikeid": "VARCHAR",
    "usertype": "VARCHAR",
    "birth_year": "BIGINT",
    "gender": "BIGINT",
}
_SHARD = re.compile(r"_\d+\.csv$", re.IGNORECASE)


class CitiBikeTrips:
    """Fills `raw_data.trips`, one row a ride; each row has the columns of one of the two schemas."""

    name = "citibike"
    table = "trips"
    columns = _CURRENT | _LEGACY

    def months(self, settings: Settings) -> list[str]:
        """The configured months."""
        block = settings.sources.citibike
        return block.months if block.enabled else []

    def request(self, month: str, settings: Settings) -> dict[str, Any]:
        """The bucket; which key has the month is found by listing it."""
        return {"bucket": settings.sources.citibike.base_url}

    def fetch(self, month: str, settings: Settings, folder: Path, publisher: Publisher) -> Landed:
        """Find the month's archive in the bucket and fetch it."""
        bucket = settings.sources.citibike.base_url
        try:
            key = choose_key(list_keys(bucket, month[:4], publisher), month)
            if key is None:
                raise NotThere(f"{bucket}: has no archive for {month}")
            landed = publisher.download(f"{bucket}/{quote(key)}", folder / key)
            with set_aside_if_rejected(landed.path):
                check(landed.path, settings.download)
            if _is_yearly(key) and not has_month(landed.path, month):
                raise NotThere(f"{landed.url}: has no files for {month}")
        except NotThere as error:
            if may_be_unpublished(month, dt.datetime.now(dt.UTC).date()):
                raise NotPublished(f"citibike {month} is not published yet ({bucket})") from error
            raise FetchFailed(f"{error}; check the month and base_url") from error
        return landed

    def parts(self, landed: Landed, month: str, scratch: Path, limits: Download) -> list[Part]:
        """Unpack the month's CSV files, checked: whole, UTF-8, with the columns of one of the two schemas."""
        yearly = _is_yearly(landed.path.name)
        members = csv_members(landed.path, scratch, limits, month if yearly else None)
        if not members:
            raise Rejected(f"{landed.path.name}: holds no CSV file for {month}")
        parts = [self._part(member, scratch / f"{number}.csv") for number, member in enumerate(members)]
        parts = _without_shards(parts)
        _check_different(parts, {member.name: (member.entry.CRC, member.entry.file_size) for member in members})
        if not sum(part.rows for part in parts):
            raise Rejected(f"{landed.path.name}: has no rows")
        return parts

    def _part(self, member: Member, path: Path) -> Part:
        with member.open() as stream:
            header, rows = csvfiles.normalise(stream, path, member.name)
        if not any(_has(header, schema) for schema in (_CURRENT, _LEGACY)):
            raise Rejected(
                f"{member.name}: has the columns of neither of CitiBike's schemas: {', '.join(header)[:300]}"
            )
        columns = match_columns(header, self.columns, set(), member.name)
        changes = [f"{member.name}: new column {raw}" for raw in columns.values() if raw not in self.columns]
        return Part(member.name, path, "csv", columns, rows, changes)


def _has(header: list[str], schema: dict[str, str]) -> bool:
    try:
        match_columns(header, schema, set(schema), "")
    except Rejected:
        return False
    return True


def _without_shards(parts: list[Part]) -> list[Part]:
    """Where a combined file and its shards (_1, _2, ...) are both there, keep the combined one: same trips, twice."""
    shards: dict[str, list[Part]] = {}
    for part in parts:
        if _SHARD.search(part.name):
            shards.setdefault(_file_name(_SHARD.sub(".csv", part.name)), []).append(part)
    kept = parts
    for whole in parts:
        pieces = [] if _SHARD.search(whole.name) else shards.get(_file_name(whole.name), [])
        if not pieces:
            continue
        rows = sum(piece.rows for piece in pieces)
        if rows != whole.rows:
            raise Rejected(f"{whole.name}: has {whole.rows:,} rows but its shards have {rows:,}")
        kept = [part for part in kept if part not in pieces]
    return kept


def _check_different(parts: list[Part], contents: dict[str, tuple[int, int]]) -> None:
    seen: dict[tuple[int, int], str] = {}
    for part in parts:
        twin = seen.setdefault(contents[part.name], part.name)
        if twin != part.name and part.rows:
            raise Rejected(f"{part.name}: is the same file as {twin}; its rides would be there twice")


def _file_name(name: str) -> str:
    return name.rpartition("/")[2].lower()


def _is_yearly(key: str) -> bool:
    return re.match(r"\d{4}-", key) is not None


def choose_key(keys: list[str], month: str) -> str | None:
    """The bucket's key for a month: a monthly archive wins over the year's; Jersey City's (JC-) are not New York's."""
    compact = month.replace("-", "")
    monthly = re.compile(rf"{compact}-citi(bike|bke)-tripdata(\.csv)?\.zip", re.IGNORECASE)
    yearly = re.compile(rf"{month[:4]}-citi(bike|bke)-tripdata(\.csv)?\.zip", re.IGNORECASE)
    for pattern in (monthly, yearly):
        for key in sorted(keys):
            if pattern.fullmatch(key):
                return key
    return None


def list_keys(bucket: str, prefix: str, publisher: Publisher) -> list[str]:
    """All keys of an S3 bucket that begin with a prefix.

    Raises:
        Rejected: The answer is not a bucket's listing.
    """
    keys: list[str] = []
    params = {"list-type": "2", "prefix": prefix}
    while True:
        try:
            listing = ET.fromstring(publisher.get(bucket, params))
        except ET.ParseError as error:
            raise Rejected(f"{bucket}: does not answer with a bucket's listing ({error})") from error
        if not listing.tag.endswith("ListBucketResult"):
            raise Rejected(f"{bucket}: answers with {listing.tag}, not with a bucket's listing")
        space = {"s3": listing.tag.partition("}")[0].lstrip("{")} if listing.tag.startswith("{") else {}
        find = "s3:" if space else ""
        keys += [key.text or "" for key in listing.iterfind(f"{find}Contents/{find}Key", space)]
        token = listing.findtext(f"{find}NextContinuationToken", namespaces=space)
        if not token:
            return keys
        params = params | {"continuation-token": token}
