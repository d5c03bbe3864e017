"""Publishing the validated marts for readers."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

from luigi_pipeline import markers, progress, scheduling
from luigi_pipeline.datadir import relative
from luigi_pipeline.markers import Marker
from luigi_pipeline.tasks.base import MobilityTask
from luigi_pipeline.tasks.validate import Validate

# Counted up when the same marts would be published otherwise.
_LAYOUT = 2
_REPORT = Path(__file__).parents[1] / "report"


class Publish(MobilityTask):
    """The validated marts are in published/, as DuckDB, as Parquet and as a report, each swapped in as a whole."""

    # It only reads the warehouse, but DuckDB lets no one read while another process writes.
    resources = {"warehouse": 1}

    def requires(self) -> Validate:
        """The checked models."""
        return Validate()

    def inputs(self) -> dict[str, Any]:
        """What was validated, the layout of the published file, and what makes the report."""
        code = {
            path.relative_to(_REPORT).as_posix(): markers.digest_file(path)
            for path in sorted(_REPORT.rglob("*"))
            if path.suffix in (".py", ".html", ".css", ".js")
        }
        return {"the validation": Validate().fingerprint(), "the layout": _LAYOUT, "the report's layout": code}

    def reason(self) -> str | None:
        """Why it is to be published; also where what was published is not there as it was written."""
        found = self.marker()
        if found is not None and found.details.get("file") != self._file():
            return f"{self.data.published.name} is {'not as it was published' if self._file() else 'gone'}"
        gone = [path for path in (self.data.report / "index.html", self.data.parquet) if not path.exists()]
        if found is not None and gone:
            return f"published/{gone[0].relative_to(self.data.published.parent)} is gone"
        return super().reason()

    def work(self) -> Marker:
        """Build the file, the Parquet and the report, each beside the old one, and swap them in."""
        from luigi_pipeline.report import making
        from luigi_pipeline.warehouse import parquet
        from luigi_pipeline.warehouse.publishing import publish

        inputs = self.inputs()
        self.drop_marker()
        published = publish(self.data, self.settings.warehouse)
        written = parquet.write(self.data, self.settings.warehouse)
        progress.tell("the report", 0.5, step="report")
        report = making.make(self.data, self.settings)
        progress.link(scheduling.link_to(report, self.data))
        file, trips = self._file(), published.rows.get("marts.fct_trips", 0)
        size = f"{file['size'] / 1e6:,.1f} MB" if file else ""
        return self.new_marker(
            inputs,
            versions={"duckdb": version("duckdb")},
            details={
                "summary": f"{trips:,} trips from {published.source_files} source files, {size}; "
                f"look at {relative(report)}",
                "file": file,
                "rows": published.rows,
                "source_files": published.source_files,
                "parquet_files_written": written,
            },
        )

    def _file(self) -> dict[str, int] | None:
        try:
            stat = self.data.published.stat()
        except OSError:
            return None
        return {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns}
