"""Publishing the validated marts for readers."""

from __future__ import annotations

from importlib.metadata import version

from luigi_pipeline import markers
from luigi_pipeline.markers import Marker
from luigi_pipeline.tasks.base import MobilityTask
from luigi_pipeline.tasks.validate import Validate

# Counted up when the same marts would be published otherwise.
_LAYOUT = 1


class Publish(MobilityTask):
    """The validated marts are in published/nyc_mobility.duckdb, swapped in as a whole; readers never wait."""

    # It only reads the warehouse, but DuckDB lets no one read while another process writes.
    resources = {"warehouse": 1}

    def requires(self) -> Validate:
        """The checked models."""
        return Validate()

    def fingerprint(self) -> str:
        """Digest of what was validated, and of the layout of the published file."""
        return markers.digest({"validated": Validate().fingerprint(), "layout": _LAYOUT})

    def complete(self) -> bool:
        """Whether there is nothing to do; where the published file is not the one that was written, there is."""
        found = self.marker()
        return found is not None and found.details.get("file") == self._file() and super().complete()

    def work(self) -> Marker:
        """Build the file beside the old one and swap it in."""
        from luigi_pipeline.warehouse.publishing import publish

        self.drop_marker()
        published = publish(self.data, self.settings.warehouse)
        file, trips = self._file(), published.rows.get("marts.fct_trips", 0)
        size = f"{file['size'] / 1e6:,.1f} MB" if file else ""
        return self.new_marker(
            self.fingerprint(),
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
