"""Summing up each source once all its months are loaded."""

from __future__ import annotations

from types import new_class
from typing import Any, ClassVar

from luigi_pipeline.core.months import Month
from luigi_pipeline.run.run import Run
from luigi_pipeline.sources import MODES, MONTHLY, SOURCES, Source
from luigi_pipeline.state import markers
from luigi_pipeline.state.markers import Marker
from luigi_pipeline.tasks.base import MobilityTask
from luigi_pipeline.tasks.load import Load, LoadMonth, LoadZones


class IngestSource(MobilityTask):
    """All configured months of one source are loaded."""

    # The loads that it sums up bind it to the warehouse. A disabled source has none, and nothing in the warehouse.
    in_warehouse = False
    source_name: ClassVar[str]

    def requires(self) -> list[Load]:
        """One load for each month that is configured, if the source is enabled, or that `--force` loads again."""
        months = SOURCES[self.source_name].months(self.settings)
        forced = [task for task in Run.current().forced.values() if isinstance(task, LoadMonth)]
        again = [task.month for task in forced if task.source == self.source_name]
        return [LoadMonth(source=self.source_name, month=month) for month in sorted({*months, *again})]

    def uses(self) -> list[MobilityTask]:
        """The loads of all loaded months, whether or not they are still configured, and what else is required."""
        loads: dict[str, MobilityTask] = {task.title: task for task in self.requires()}
        for month in self.loads():
            load = LoadMonth(source=self.source_name, month=month)
            loads[load.title] = load
        return list(loads.values())

    def sources(self) -> set[str]:
        """This source."""
        return {self.source_name}

    def loads(self) -> dict[Month, Marker]:
        """The markers of all loaded months of the source, whether or not they are still configured."""
        paths = sorted((self.data.markers / "LoadMonth" / self.source_name).glob("*.json"))
        months = [month for path in paths if (month := Month.or_none(path.stem))]
        marker_by_month = {month: LoadMonth(source=self.source_name, month=month).marker() for month in months}
        return {month: marker for month, marker in marker_by_month.items() if marker}

    def inputs(self) -> dict[str, Any]:
        """What is loaded. A month that is taken out of the configuration stays loaded, and changes nothing."""
        loads = self.loads().items()
        loaded = {f"{self.source_name} {month}": (marker.warehouse, marker.fingerprint) for month, marker in loads}
        return {f"{self.source_name} enabled": self.is_enabled()} | loaded

    def describe_change(self, name: str) -> str:
        """Describe a changed input. For a republished month, name its rows."""
        return describe_republished(name) or super().describe_change(name)

    def work(self) -> Marker:
        """Sum up the months."""
        loads = self.loads()
        rows = {month: marker.source.rows or 0 for month, marker in loads.items() if marker.source}
        status = "loaded" if self.is_enabled() else "disabled"
        total = sum(rows.values())
        return self.new_marker(
            self.inputs(),
            details={
                "summary": f"{status}, {total:,} rows of {len(rows)} {'month' if len(rows) == 1 else 'months'}",
                "status": status,
                "rows": total,
                "rows_by_month": rows,
                "seconds": sum(markers.seconds(marker) for marker in loads.values()),
            },
        )

    def is_enabled(self) -> bool:
        """Whether the source is enabled in the configuration."""
        return self.settings.source(self.source_name).enabled

    def is_there(self) -> bool:
        """Whether the source is enabled, or months of it are loaded."""
        return self.is_enabled() or bool(self.loads())

    def complete(self) -> bool:
        """Whether there is nothing to do, as for a source that is disabled and was never loaded."""
        return not self.is_there() or super().complete()


def _task_of(source: Source) -> type[IngestSource]:
    name = "Ingest" + "".join(word.capitalize() for word in source.name.split("_"))
    members = {
        "__doc__": f"All configured months of {source.title} are loaded.",
        "__module__": __name__,
        "source_name": source.name,
    }
    task: type[IngestSource] = new_class(name, (IngestSource,), exec_body=lambda body: body.update(members))
    return task


# One task for each source: IngestYellowTaxi, IngestCitibike, ...
TASKS = {name: _task_of(SOURCES[name]) for name in MONTHLY}
# The names that users import.
IngestYellowTaxi = TASKS["yellow_taxi"]
IngestCitibike = TASKS["citibike"]
IngestWeather = TASKS["weather"]


class IngestZones(MobilityTask):
    """TLC's taxi zones are loaded. Every mode of travel needs them."""

    in_warehouse = False

    def requires(self) -> list[LoadZones]:
        """The zones; nothing if no mode is enabled."""
        return [LoadZones()] if self.is_wanted() else []

    def complete(self) -> bool:
        """Whether there is nothing to do, as if no mode is enabled and the zones were never loaded."""
        return not self.is_there() or super().complete()

    def inputs(self) -> dict[str, Any]:
        """The loaded zones."""
        zones = LoadZones().marker()
        return {"taxi zones": (zones.warehouse, zones.fingerprint) if zones else None}

    def work(self) -> Marker:
        """Sum up the zones."""
        zones = LoadZones().marker()
        rows = zones.source.rows or 0 if zones and zones.source else 0
        return self.new_marker(self.inputs(), details={"summary": f"{rows:,} zones", "rows": rows})

    def is_wanted(self) -> bool:
        """Whether a mode is enabled."""
        return any(self.settings.source(name).enabled for name in MODES)

    def is_there(self) -> bool:
        """Whether the zones are wanted, or loaded."""
        return self.is_wanted() or LoadZones().marker() is not None


class Ingest(MobilityTask):
    """All enabled sources are loaded; the marker sums them up."""

    in_warehouse = False

    def requires(self) -> list[MobilityTask]:
        """The sources that are there, and the zones."""
        return ingested()

    def inputs(self) -> dict[str, Any]:
        """What is loaded of the sources."""
        return loaded_inputs()

    def describe_change(self, name: str) -> str:
        """Describe a changed input. For a republished month, name its rows."""
        return describe_republished(name) or super().describe_change(name)

    def work(self) -> Marker:
        """Sum up the sources: status, rows and seconds of each."""
        details: dict[str, Any] = {}
        for task in sources():
            marker = task.marker()
            if marker:
                details[task.source_name] = {key: marker.details.get(key, 0) for key in ("status", "rows", "seconds")}
        rows = sum(source["rows"] for source in details.values())
        details["summary"] = f"{rows:,} rows in {len(details)} sources"
        return self.new_marker(self.inputs(), details=details)


def sources() -> list[IngestSource]:
    """The tasks of the sources that are enabled, or of which months are loaded."""
    return [task for task in (of_source() for of_source in TASKS.values()) if task.is_there()]


def ingested() -> list[MobilityTask]:
    """The tasks of these sources, and that of the zones."""
    zones = IngestZones()
    return [*([zones] if zones.is_there() else []), *sources()]


def loaded_inputs() -> dict[str, Any]:
    """What is loaded of all sources. Everything after the loads depends on it."""
    return {name: value for task in ingested() for name, value in task.inputs().items()}


def describe_republished(name: str) -> str | None:
    """Describe a republished month in words: `citibike 2024-09 republished: 114,208 -> 115,558 rows`.

    Returns:
        The description; None if the input is no month, or the month was not republished.
    """
    source, _, month = name.partition(" ")
    if source not in MONTHLY or not Month.or_none(month):
        return None
    marker = LoadMonth(source=source, month=month).marker()
    if marker is None or marker.replaced is None:
        return None
    return f"{name} republished: {marker.replaced['rows']:,} -> {marker.details['rows']:,} rows"
