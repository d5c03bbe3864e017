"""What TLC's trip records have in common: one Parquet file per month, on one site.

Facts from TLC's data dictionary and trip record user guide: times are New York wall time without a zone. Rows are filed
by the time of upload, so some lie outside the month. Names and types vary from month to month.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from luigi_pipeline.config.sections import TripSource
from luigi_pipeline.config.settings import Download, Settings
from luigi_pipeline.core.errors import FetchFailed, NotPublished, NotThere, Rejected
from luigi_pipeline.core.months import Month
from luigi_pipeline.core.redaction import redacted
from luigi_pipeline.sources.base import Part, Source, match_columns, set_aside_if_rejected, snake_case
from luigi_pipeline.sources.landed import Landed
from luigi_pipeline.sources.urls import below

if TYPE_CHECKING:
    from luigi_pipeline.sources.http import Publisher

SITE = "https://d37ci6vzurychx.cloudfront.net"
_MAGIC = b"PAR1"


class TripRecords(Source):
    """Trips as TLC publishes them, one row per trip.

    Attributes:
        file: The name of a month's file, before the month: yellow_tripdata.
        optional: Declared columns that older files, or newer ones, lack.
    """

    file: ClassVar[str]
    optional: ClassVar[frozenset[str]] = frozenset()

    def months(self, settings: Settings) -> list[Month]:
        """The configured months."""
        block = settings.block(self.key, TripSource)
        return block.months if block.enabled else []

    def request(self, month: Month | None, settings: Settings) -> dict[str, Any]:
        """The file's URL."""
        assert month is not None
        return {"url": redacted(self._url(month, settings))}

    def fetch(
        self, month: Month | None, settings: Settings, folder: Path, publisher: Publisher, known: Landed | None = None
    ) -> Landed:
        """Fetch the month's Parquet file."""
        assert month is not None
        url = self._url(month, settings)
        try:
            landed = publisher.download(url, folder / self._file_name(month), known)
        except NotThere as error:
            if month.may_be_unpublished(dt.datetime.now(dt.UTC).date()):
                raise NotPublished(f"{self.name} {month} is not published yet ({redacted(url)})") from error
            raise FetchFailed(f"{error}; check the month and base_url") from error
        if landed == known:
            return landed
        with set_aside_if_rejected(landed.path):
            self.parts(landed, month, folder, settings.download)
        return landed

    def is_published(self, month: Month, settings: Settings, folder: Path, publisher: Publisher) -> bool:
        """Whether the month's file exists."""
        return publisher.has(self._url(month, settings))

    def parts(self, landed: Landed, month: Month | None, scratch: Path, limits: Download) -> list[Part]:
        """The file itself, checked: it is whole Parquet, with the columns that TLC gives these trips."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        name = landed.path.name
        _check_magic(landed.path)
        try:
            file = pq.ParquetFile(landed.path)
            schema = file.schema_arrow
            names = schema.names  # the names are decoded only here
        except (OSError, ValueError, pa.ArrowException) as error:
            raise Rejected(f"{name}: is not a readable Parquet file ({_first_line(error)})") from error
        if _has_places_of_before_2011(names):
            raise Rejected(
                f"{name}: has coordinates and no taxi zones, as TLC's files of 2009 and 2010 have; months before 2011 "
                "can't be loaded"
            )
        columns = match_columns(names, self.columns, set(self.columns) - self.optional, name)
        if file.metadata.num_rows == 0:
            raise Rejected(f"{name}: has no rows")
        changes = [f"{name}: new column {raw}" for raw in columns.values() if raw not in self.columns]
        changes += [f"{name}: no column {raw}" for raw in sorted(self.optional - set(columns.values()))]
        for published, raw in columns.items():
            kind = schema.field(published).type
            if raw in self.columns and pa.types.is_timestamp(kind) and kind.tz is not None:
                raise Rejected(f"{name}: {published} has the time zone {kind.tz}; New York wall time is without one")
        return [Part(name, landed.path, "parquet", columns, file.metadata.num_rows, changes)]

    def _url(self, month: Month, settings: Settings) -> str:
        return below(settings.source(self.key).base_url, f"trip-data/{self._file_name(month)}")

    def _file_name(self, month: Month) -> str:
        return f"{self.file}_{month}.parquet"


def _has_places_of_before_2011(names: list[str]) -> bool:
    """Whether trips have coordinates, as TLC published them until 2010, and no zones."""
    columns = {snake_case(name) for name in names}
    return bool(columns & {"start_lon", "pickup_longitude"}) and "pu_location_id" not in columns


def _check_magic(path: Path) -> None:
    with path.open("rb") as file:
        head = file.read(len(_MAGIC))
        file.seek(max(0, path.stat().st_size - len(_MAGIC)))
        tail = file.read()
    if head != _MAGIC:
        raise Rejected(f"{path.name}: is not Parquet; it {f'begins with {head!r}' if head else 'is empty'}")
    if tail != _MAGIC:
        raise Rejected(f"{path.name}: is cut off: {path.stat().st_size:,} bytes, without Parquet's ending")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]
