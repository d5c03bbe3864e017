"""CitiBike's trips: zip archives in a bucket, monthly or yearly, each with one or more CSV files.

Facts from CitiBike's system data page and its archives: there are 15 columns up to January 2021, and 13 since. Archives
are named and built in many ways, so the bucket is listed, and the columns of a file decide which schema it has.
"""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from luigi_pipeline.config.sections import HttpUrl, TripSource
from luigi_pipeline.config.settings import Download, Settings
from luigi_pipeline.core.errors import FetchFailed, NotPublished, NotThere, Rejected
from luigi_pipeline.core.months import Month
from luigi_pipeline.core.redaction import redacted
from luigi_pipeline.sources import csvfiles
from luigi_pipeline.sources.archives import Member, check, csv_members, has_month
from luigi_pipeline.sources.base import Part, Source, match_columns, set_aside_if_rejected
from luigi_pipeline.sources.bucket import choose_key, list_keys
from luigi_pipeline.sources.landed import Landed
from luigi_pipeline.sources.membernames import is_jersey_city, month_of, unit_of
from luigi_pipeline.sources.mode import Mode
from luigi_pipeline.sources.urls import below

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


class CitiBike(TripSource):
    """CitiBike's bucket. It is listed, and its keys are matched by month."""

    base_url: HttpUrl = "https://s3.amazonaws.com/tripdata"
    usual_delay_days: int = Field(default=10, ge=0)


class CitiBikeTrips(Source):
    """Fills `raw_data.trips`, one row per ride. Each row has the columns of one of the two schemas."""

    name = "citibike"
    title = "CitiBike"
    table = "trips"
    columns = _CURRENT | _LEGACY
    dated_by = ("started_at", "ended_at", "starttime", "stoptime")
    block = CitiBike
    priority = 2
    drawn = ("trips", "median_minutes", "share_of_members", "share_of_electric_bikes")
    mode = Mode(
        noun="CitiBike",
        staging_model="stg_citibike__trips",
        shades=("#e4f0fb", "#8fc0ee", "#2b7fd4", "#124a86", "#061f3d"),
        dash=(6, 3),
        shape="triangle-up",
        has_stations=True,
    )

    def months(self, settings: Settings) -> list[Month]:
        """The configured months."""
        block = settings.block(self.key, CitiBike)
        return block.months if block.enabled else []

    def request(self, month: Month | None, settings: Settings) -> dict[str, Any]:
        """The bucket's URL. The month's key in it is not known before the bucket is listed."""
        return {"bucket": redacted(settings.source(self.key).base_url)}

    def fetch(
        self, month: Month | None, settings: Settings, folder: Path, publisher: Publisher, known: Landed | None = None
    ) -> Landed:
        """Find the month's archive in the bucket and fetch it."""
        assert month is not None
        bucket = settings.source(self.key).base_url
        try:
            etags = list_keys(bucket, str(month.year), publisher, folder)
            key = choose_key(list(etags), month)
            if key is None:
                raise NotThere(f"{redacted(bucket)}: has no archive for {month}")
            url = below(bucket, key)
            if known and known.url == redacted(url) and known.etag and known.etag == etags[key]:
                return known
            landed = publisher.download(url, folder / key, known)
            with set_aside_if_rejected(landed.path):
                check(landed.path, settings.download)
            if _is_yearly(key) and not has_month(landed.path, month):
                raise NotThere(f"{landed.url}: has no files for {month}")
        except NotThere as error:
            if month.may_be_unpublished(dt.datetime.now(dt.UTC).date()):
                raise NotPublished(f"citibike {month} is not published yet ({redacted(bucket)})") from error
            raise FetchFailed(f"{error}; check the month and base_url") from error
        return landed

    def is_published(self, month: Month, settings: Settings, folder: Path, publisher: Publisher) -> bool:
        """Whether the bucket's listing has a key for the month."""
        keys = list_keys(settings.source(self.key).base_url, str(month.year), publisher, folder)
        return choose_key(list(keys), month) is not None

    def is_shared(self, landed: Landed) -> bool:
        """Whether it is a yearly archive."""
        return _is_yearly(landed.path.name)

    def parts(self, landed: Landed, month: Month | None, scratch: Path, limits: Download) -> list[Part]:
        """Unpack the month's CSV files and check them: complete, UTF-8, with the columns of one of the two schemas."""
        assert month is not None
        archive = landed.path.name
        members = csv_members(landed.path, scratch, limits, month if self.is_shared(landed) else None)
        if not members:
            raise Rejected(f"{archive}: holds no CSV file for {month}")
        members, remarks = _without_jersey_city(members)
        parts = [self._part(member, scratch / f"{number}.csv", month) for number, member in enumerate(members)]
        parts[0].remarks.extend(remarks)
        _check_different(parts, {member.name: (member.entry.CRC, member.entry.file_size) for member in members})
        if not sum(part.rows for part in parts):
            raise Rejected(f"{archive}: has no rows")
        return parts

    def _part(self, member: Member, path: Path, month: Month) -> Part:
        with member.open() as stream:
            header, rows = csvfiles.normalise(stream, path, member.name)
        columns = match_columns(header, self.columns, set(), member.name)
        missing = min((set(schema) - set(columns.values()) for schema in (_CURRENT, _LEGACY)), key=len)
        if missing:
            raise Rejected(
                f"{member.name}: has the columns of neither of CitiBike's schemas: it lacks "
                f"{', '.join(sorted(missing)[:3])}, and has {', '.join(header)[:300]}"
            )
        changes = [f"{member.name}: new column {raw}" for raw in columns.values() if raw not in self.columns]
        inside = member.name.partition("/")[2]
        of = month_of(inside, month.year) or month
        return Part(member.name, path, "csv", columns, rows, changes, month=of, unit=unit_of(inside))


def _without_jersey_city(members: list[Member]) -> tuple[list[Member], list[str]]:
    """Leave out Jersey City's rides if New York's are there too. Without these, they were published as New York's."""
    others = [member.name for member in members if is_jersey_city(member.name.partition("/")[2])]
    if len(others) == len(members):
        return members, []
    own = [member for member in members if member.name not in others]
    return own, [f"{name} is left out: it is Jersey City's" for name in others]


def _check_different(parts: list[Part], contents: dict[str, tuple[int, int]]) -> None:
    """Check that no two parts are the same file."""
    seen: dict[tuple[int, int], Part] = {}
    for part in parts:
        twin = seen.setdefault(contents[part.name], part)
        if part.rows and part.unit.isdecimal() and twin.unit.isdecimal() and part.unit != twin.unit:
            raise Rejected(f"{part.name}: is the same file as {twin.name}; its rides would be there twice")


def _is_yearly(key: str) -> bool:
    return re.match(r"\d{4}-", key) is not None
