"""Publishing the validated marts for readers."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from luigi_pipeline.markers import Marker
from luigi_pipeline.tasks.base import MobilityTask
from luigi_pipeline.tasks.validate import Validate

# Counted up when the same marts would be published otherwise.
_LAYOUT = 2


class Publish(MobilityTask):
    """The validated marts are in published/nyc_mobility.duckdb, swapped in as a whole; readers never wait."""

    # It only reads the warehouse, but DuckDB lets no one read while another process writes.
    resources = {"warehouse": 1}

    def requires(self) -> Validate:
        """The checked models."""
        return Validate()

    def inputs(self) -> dict[str, Any]:
        """What was validated, and the layout of the published file."""
        return {"the validation": Validate().fingerprint(), "the layout": _LAYOUT}

    def reason(self) -> str | None:
        """Why it is to be published; also where the published file is not the one that was written."""
        found = self.marker()
        if found is not None and found.details.get("file") != self._file():
            return f"{self.data.published.name} is {'not as it was published' if self._file() else 'gone'}"
        return super().reason()

    def work(self) -> Marker:
        """Build the file beside the old one and swap it in."""
        from luigi_pipeline.warehouse.publishing import publish

        inputs = self.inputs()
        self.drop_marker()
        published = publish(self.data, self.settings.warehouse)
        file, trips = self._file(), published.rows.get("marts.fct_trips", 0)
        size = f"{file['size'] / 1e6:,.1f} MB" if file else ""
        return self.new_marker(
            inputs,
            versions={"duckdb": version("duckdb")},
            details={
                "summary": f"{trips:,} trips from {published.source_files} source files, {size}",
                "file": file,
                "rows": published.rows,
                "source_files": published.source_files,
            },
        )

    def _file(self) -> dict[str, int] | None:
        try:
            stat = self.data.published.stat()
        except OSError:
            return None
        return {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns}
