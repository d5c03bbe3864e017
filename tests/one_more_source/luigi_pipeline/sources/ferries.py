"""Rides of a made-up ferry: one CSV file per month."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luigi_pipeline.config.sections import HttpUrl, TripSource
from luigi_pipeline.config.settings import Download, Settings
from luigi_pipeline.core.errors import FetchFailed, NotPublished, NotThere
from luigi_pipeline.core.months import Month
from luigi_pipeline.sources import csvfiles
from luigi_pipeline.sources.base import Part, Source, match_columns, set_aside_if_rejected
from luigi_pipeline.sources.landed import Landed
from luigi_pipeline.sources.mode import Mode
from luigi_pipeline.sources.urls import below

if TYPE_CHECKING:
    from luigi_pipeline.sources.http import Publisher


class Ferry(TripSource):
    """The ferry's site."""

    base_url: HttpUrl = "http://localhost/ferries"
    enabled: bool = False


class FerryRides(Source):
    """Fills `raw_data.ferry_rides`, one row per ride."""

    name = "ferry"
    title = "Ferry"
    table = "ferry_rides"
    columns = {
        "ride_number": "BIGINT",
        "boarded_at": "TIMESTAMP",
        "left_at": "TIMESTAMP",
        "from_zone": "BIGINT",
        "to_zone": "BIGINT",
        "fare": "DOUBLE",
    }
    dated_by = ("boarded_at",)
    block = Ferry
    priority = 3
    drawn = ("trips", "median_minutes")
    mode = Mode(
        noun="ferry",
        staging_model="stg_ferry__rides",
        shades=("#e3f2ec", "#86c5a9", "#1f8a5f", "#0f4a33", "#05231a"),
        dash=(2, 2),
        shape="square",
        has_fares=True,
        has_zones=True,
    )

    def months(self, settings: Settings) -> list[Month]:
        """The configured months."""
        block = settings.block(self.key, Ferry)
        return block.months if block.enabled else []

    def request(self, month: Month | None, settings: Settings) -> dict[str, Any]:
        """The file's URL."""
        return {"url": self._url(month, settings)}

    def fetch(
        self, month: Month | None, settings: Settings, folder: Path, publisher: Publisher, known: Landed | None = None
    ) -> Landed:
        """Fetch the month's CSV file."""
        assert month is not None
        try:
            landed = publisher.download(self._url(month, settings), folder / f"ferry_{month}.csv", known)
        except NotThere as error:
            if month.may_be_unpublished(dt.datetime.now(dt.UTC).date()):
                raise NotPublished(f"{self.name} {month} is not published yet") from error
            raise FetchFailed(f"{error}; check the month and base_url") from error
        if landed != known:
            with set_aside_if_rejected(landed.path):
                self.parts(landed, month, folder, settings.download)
        return landed

    def is_published(self, month: Month, settings: Settings, folder: Path, publisher: Publisher) -> bool:
        """Whether the month's file exists."""
        return publisher.has(self._url(month, settings))

    def parts(self, landed: Landed, month: Month | None, scratch: Path, limits: Download) -> list[Part]:
        """The file, checked: it is a CSV file with the declared columns."""
        name, path = landed.path.name, scratch / f"{landed.path.stem}.normal.csv"
        with landed.path.open("rb") as stream:
            header, rows = csvfiles.normalise(stream, path, name)
        return [Part(name, path, "csv", match_columns(header, self.columns, set(self.columns), name), rows)]

    def _url(self, month: Month | None, settings: Settings) -> str:
        return below(settings.source(self.key).base_url, f"{month}.csv")
