"""TLC's taxi zones: one small CSV without a month."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luigi_pipeline.config.sections import HttpUrl, Section
from luigi_pipeline.config.settings import Download, Settings
from luigi_pipeline.core.errors import FetchFailed, NotThere, Rejected
from luigi_pipeline.core.months import Month
from luigi_pipeline.core.redaction import redacted
from luigi_pipeline.sources.base import Part, Source, match_columns, set_aside_if_rejected
from luigi_pipeline.sources.landed import Landed
from luigi_pipeline.sources.urls import below
from luigi_pipeline.sources.yellow_taxi import YellowTaxiTrips

if TYPE_CHECKING:
    from luigi_pipeline.sources.http import Publisher

ZONES = 265


class Zones(Section):
    """Where TLC's zone lookup is, if it is not where its yellow-taxi trips are."""

    base_url: HttpUrl | None = None


class TaxiZones(Source):
    """Fills `raw_data.taxi_zones`, one row per zone. The text N/A is a value in it, not a null."""

    name = "taxi_zones"
    title = "Taxi zones"
    table = "taxi_zones"
    columns = {"location_id": "BIGINT", "borough": "VARCHAR", "zone": "VARCHAR", "service_zone": "VARCHAR"}
    block = Zones
    priority = 4

    @property
    def key(self) -> str:
        """The key of its block in the configuration, below `sources`."""
        return "zones"

    def months(self, settings: Settings) -> list[Month]:
        """None: there is a single file."""
        return []

    def request(self, month: Month | None, settings: Settings) -> dict[str, Any]:
        """The file's URL."""
        return {"url": redacted(self._url(settings))}

    def fetch(
        self, month: Month | None, settings: Settings, folder: Path, publisher: Publisher, known: Landed | None = None
    ) -> Landed:
        """Fetch the zone lookup."""
        try:
            landed = publisher.download(self._url(settings), folder / "taxi_zone_lookup.csv", known)
        except NotThere as error:
            raise FetchFailed(f"{error}; check sources.{self._key_of_url(settings)}.base_url") from error
        if landed == known:
            return landed
        with set_aside_if_rejected(landed.path):
            _read(landed.path)
        return landed

    def is_published(self, month: Month, settings: Settings, folder: Path, publisher: Publisher) -> bool:
        """Always true: the file does not come in months."""
        return True

    def parts(self, landed: Landed, month: Month | None, scratch: Path, limits: Download) -> list[Part]:
        """The file itself, checked: it has TLC's columns and its 265 zones, each once."""
        text, zones, columns = _read(landed.path)
        normal = scratch / landed.path.name
        normal.write_text("\n".join(text.splitlines()) + "\n", encoding="utf-8")
        return [Part(landed.path.name, normal, "csv", columns, zones)]

    def _url(self, settings: Settings) -> str:
        site = settings.block(self.key, Zones).base_url or settings.source(YellowTaxiTrips.name).base_url
        return below(site, "misc/taxi_zone_lookup.csv")

    def _key_of_url(self, settings: Settings) -> str:
        return self.key if settings.block(self.key, Zones).base_url else YellowTaxiTrips.name


def _read(path: Path) -> tuple[str, int, dict[str, str]]:
    """The file's text, its number of zones and its columns."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        rows = [row for row in csv.reader(io.StringIO(text), strict=True) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise Rejected(f"{path.name}: is not a CSV file ({error})") from error
    declared = TaxiZones.columns
    columns = match_columns(rows[0] if rows else [], declared, set(declared), path.name)
    at = list(columns.values()).index("location_id")
    ids = [_zone_id(row, at, path.name) for row in rows[1:]]
    if sorted(ids) != list(range(1, ZONES + 1)):
        raise Rejected(
            f"{path.name}: should have the zones 1 to {ZONES}, each once; it has {len(ids)} rows and "
            f"{len(set(ids))} different zones"
        )
    return text, len(ids), columns


def _zone_id(row: list[str], at: int, name: str) -> int:
    try:
        return int(row[at])
    except (ValueError, IndexError) as error:
        raise Rejected(f"{name}: the row {','.join(row)[:80]!r} has no zone number") from error
