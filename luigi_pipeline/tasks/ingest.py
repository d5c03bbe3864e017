"""Summing up each source once all its months are loaded."""

from __future__ import annotations

from typing import Any, ClassVar

from luigi_pipeline import markers
from luigi_pipeline.markers import Marker
from luigi_pipeline.sources import SOURCES
from luigi_pipeline.tasks.base import MobilityTask
from luigi_pipeline.tasks.load import Load, LoadMonth, LoadZones


class IngestSource(MobilityTask):
    """All configured months of one source are loaded."""

    # Bound to the warehouse through the loads that it sums up: a disabled source, with none, has no part in it.
    in_warehouse = False
    source_name: ClassVar[str]

    def requires(self) -> list[Load]:
        """One load a month; none where the source is disabled."""
        months = SOURCES[self.source_name].months(self.settings)
        return [LoadMonth(source=self.source_name, month=month) for month in months]

    def loads(self) -> dict[str, Marker]:
        """The markers of all months of the source in the warehouse, the configured ones and those that were once."""
        paths = sorted((self.data.markers / "LoadMonth" / self.source_name).glob("*.json"))
        found = {path.stem: LoadMonth(source=self.source_name, month=path.stem).marker() for path in paths}
        return {month: marker for month, marker in found.items() if marker}

    def fingerprint(self) -> str:
        """Digest of what is loaded: a month that leaves the configuration stays, and changes nothing."""
        loads = {month: (marker.warehouse, marker.fingerprint) for month, marker in self.loads().items()}
        return markers.digest({"enabled": self.is_enabled(), "loads": loads})

    def work(self) -> Marker:
        """Sum up the months."""
        loads = self.loads()
        rows = {month: marker.source.rows or 0 for month, marker in loads.items() if marker.source}
        status = "loaded" if self.is_enabled() else "disabled"
        total = sum(rows.values())
        return self.new_marker(
            self.fingerprint(),
            details={
                "summary": f"{status}, {total:,} rows of {len(rows)} {'month' if len(rows) == 1 else 'months'}",
                "status": status,
                "rows": total,
                "rows_by_month": rows,
                "seconds": sum(markers.seconds(marker) for marker in loads.values()),
            },
        )

    def is_enabled(self) -> bool:
        """Whether the configuration wants the source."""
        return self.settings.source(self.source_name).enabled


class IngestYellowTaxi(IngestSource):
    """TLC's yellow-taxi trips and the taxi zones are loaded."""

    source_name = "yellow_taxi"

    def requires(self) -> list[Load]:
        """The months, and the zones that they refer to."""
        months = super().requires()
        return [LoadZones(), *months] if months else []

    def fingerprint(self) -> str:
        """Digest of the loaded months and of the zones."""
        zones = LoadZones().marker()
        return markers.digest([super().fingerprint(), (zones.warehouse, zones.fingerprint) if zones else None])


class IngestCitibike(IngestSource):
    """CitiBike's trips are loaded."""

    source_name = "citibike"


class IngestWeather(IngestSource):
    """Open-Meteo's hourly weather is loaded."""

    source_name = "weather"


class Ingest(MobilityTask):
    """All three sources are loaded; the marker sums them up."""

    in_warehouse = False

    def requires(self) -> list[IngestSource]:
        """The three sources."""
        return sources()

    def fingerprint(self) -> str:
        """Digest of the three sources' fingerprints."""
        return markers.digest([task.fingerprint() for task in sources()])

    def work(self) -> Marker:
        """Sum up the sources: status, rows and seconds of each."""
        details: dict[str, Any] = {}
        for task in sources():
            marker = task.marker()
            if marker:
                details[task.source_name] = {key: marker.details.get(key, 0) for key in ("status", "rows", "seconds")}
        rows = sum(source["rows"] for source in details.values())
        details["summary"] = f"{rows:,} rows in {len(details)} sources"
        return self.new_marker(self.fingerprint(), details=details)


def sources() -> list[IngestSource]:
    """The three sources' tasks."""
    return [IngestYellowTaxi(), IngestCitibike(), IngestWeather()]
