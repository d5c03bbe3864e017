"""Publishing the validated marts for readers."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

from luigi_pipeline.console import progress
from luigi_pipeline.core.datadir import relative
from luigi_pipeline.core.digests import digest_file
from luigi_pipeline.run import scheduling
from luigi_pipeline.state import findings
from luigi_pipeline.state.markers import Marker, shortened
from luigi_pipeline.tasks.base import MobilityTask
from luigi_pipeline.tasks.validate import Validate

# Increase this when the same marts are published in another form.
_LAYOUT = 3
_ACCEPTED = "the findings that are accepted"
_REPORT = Path(__file__).parents[1] / "report"


class Publish(MobilityTask):
    """The validated marts are in published/ as DuckDB, as Parquet and as a report. Each is replaced as a whole."""

    # Publishing only reads the warehouse, but DuckDB lets no process read it while another one writes.
    resources = {"warehouse": 1}

    def requires(self) -> Validate:
        """The checked models."""
        return Validate()

    def inputs(self) -> dict[str, Any]:
        """The validation, the layout of the published file, and the code of the report."""
        code = {
            path.relative_to(_REPORT).as_posix(): digest_file(path)
            for path in sorted(_REPORT.rglob("*"))
            if path.suffix in (".py", ".html", ".css", ".js")
        }
        accepted = [it.model_dump() for it in self.settings.validation.accepted]
        return {
            "the validation": Validate().fingerprint(),
            "the layout": _LAYOUT,
            "the report's layout": code,
            _ACCEPTED: accepted,
        }

    def reason(self) -> str | None:
        """Why to publish. One reason is that a published file is gone or was changed."""
        marker = self.marker()
        if marker is not None and marker.details.get("file") != self._file():
            return f"{self.data.published.name} is {'not as it was published' if self._file() else 'gone'}"
        gone = [path for path in (self.data.report / "index.html", self.data.parquet) if not path.exists()]
        if marker is not None and gone:
            return f"published/{gone[0].relative_to(self.data.published.parent)} is gone"
        return super().reason()

    def work(self) -> Marker:
        """Build the file, the Parquet files and the report, each beside the old one, and swap them in."""
        from luigi_pipeline.report import making
        from luigi_pipeline.warehouse import parquet
        from luigi_pipeline.warehouse.publishing import publish, publish_findings

        inputs, current = self.inputs(), findings.read(self.data, self.settings.validation.accepted)
        last = self.marker()
        if last is not None and self._is_but_for_acceptance(last, inputs):
            self.drop_marker()
            publish_findings(self.data, self.settings.warehouse, current)
            making.make(self.data, self.settings)
            return self.new_marker(inputs, versions=last.versions, details=last.details | {"file": self._file()})
        self.drop_marker()
        published = publish(self.data, self.settings.warehouse, current)
        written = parquet.write(self.data, self.settings.warehouse)
        progress.report("the report", 0.5, step="report")
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

    def _is_but_for_acceptance(self, last: Marker, inputs: dict[str, Any]) -> bool:
        """Whether only the acceptance of findings has changed since the last time."""
        then = last.inputs | {_ACCEPTED: shortened(inputs)[_ACCEPTED]}
        return not self.is_forced and then == shortened(inputs) and self._stands(last)

    def _stands(self, last: Marker) -> bool:
        """Whether everything that was published is still there, unchanged."""
        there = (self.data.report / "index.html").exists() and self.data.parquet.exists()
        return there and last.details.get("file") == self._file()

    def _file(self) -> dict[str, int] | None:
        try:
            stat = self.data.published.stat()
        except OSError:
            return None
        return {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns}
