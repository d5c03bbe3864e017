"""Validating the built models with Great Expectations."""

from __future__ import annotations

import logging
from importlib.metadata import version
from typing import Any

import luigi

from luigi_pipeline import markers, progress, project, runs, scheduling
from luigi_pipeline.errors import ValidationFailed
from luigi_pipeline.markers import Marker
from luigi_pipeline.tasks import warming
from luigi_pipeline.tasks.base import MobilityTask
from luigi_pipeline.tasks.build import DbtBuild, selected_at
from luigi_pipeline.tasks.changes import BUILD, changed_months
from luigi_pipeline.tasks.ingest import sources
from luigi_pipeline.validation.months import Changed

log = logging.getLogger("luigi_pipeline.tasks")


class Validate(MobilityTask):
    """Ten suites of expectations hold on the built models: none errors, and none of severity critical fails."""

    # It only reads, but DuckDB lets no one read while another process writes.
    resources = {"warehouse": 1}

    def requires(self) -> DbtBuild:
        """The built models."""
        return DbtBuild()

    def deps(self) -> list[luigi.Task]:
        """What Luigi asks for where there is something to validate."""
        warming.validation_follows()
        deps: list[luigi.Task] = super().deps()
        return deps

    def inputs(self) -> dict[str, Any]:
        """The build, the expectations and their thresholds."""
        files = sorted((project.folder() / "config" / "expectations").glob("*.yml"))
        suites = {f"expectations of {path.stem}": markers.digest_file(path) for path in files}
        thresholds = {"validation in the configuration": self.settings.validation.model_dump()}
        return {BUILD: DbtBuild().fingerprint()} | suites | thresholds

    def work(self) -> Marker:
        """Run the suites; write the report and the Data Docs."""
        from luigi_pipeline.report import notice
        from luigi_pipeline.validation.run import ValidationInput, validate

        # A source that is disabled but was loaded before is still in the warehouse, and is held to the same standard.
        expected = [task.source_name for task in sources() if task.is_enabled() or task.loads()]
        inputs = self.inputs()
        # Before the marker goes: it stands after a success only, and so says what need not be looked at again.
        changed = changed_months(self.marker(), DbtBuild().marker(), inputs, expected, selected_at(self.data))
        if self.title in runs.forced:
            changed = None
        self.drop_marker()
        summary = validate(
            self.data.warehouse,
            project.folder() / "config" / "expectations",
            ValidationInput(
                enabled_sources=frozenset(expected),
                min_rows=self.settings.validation.min_rows.model_dump(),
                threads=self.settings.warehouse.threads,
                memory_limit=self.settings.warehouse.memory_limit,
            ),
            self.data.validation,
            progress=_tell,
            changed=changed,
        )
        progress.link(scheduling.link_to(summary.data_docs, self.data))
        notice.tell(self.data, [item.line for item in summary.blocking])
        if not summary.ok:
            first = "; ".join(item.line for item in summary.blocking[:3])
            raise ValidationFailed(f"{len(summary.blocking)} expectations do not hold: {first}; see {summary.report}")
        if summary.data_docs_error:
            log.warning("the Data Docs could not be built: %s", summary.data_docs_error)
        for item in summary.outcomes:
            if item.status == "failed":
                log.warning("%s", item.line)
        passed = summary.count("passed")
        return self.new_marker(
            inputs,
            versions={"great_expectations": version("great_expectations")},
            details={
                "summary": f"{passed} of {len(summary.outcomes)} expectations hold in {len(summary.suites)} suites"
                + (f"; trips: {_told(changed)}" if changed else ""),
                "suites": len(summary.suites),
                "passed": passed,
                "failed": summary.count("failed"),
                "skipped": summary.count("skipped"),
                "months": summary.months,
                "known_months": summary.known,
                "not_held": [item.key for item in summary.outcomes if item.status == "failed"],
                "sources": sorted(expected),
            },
        )


def _told(changed: Changed) -> str:
    if not any(changed.months.values()):
        return "no month has changed"
    many = len({month for months in changed.months.values() for month in months}) > 1
    return f"those of {changed.words} and the months beside {'them' if many else 'it'}"


def _tell(suite: str, passed: int, total: int, done: float) -> None:
    progress.tell(f"{suite}: {passed} of {total} passed", done, step=suite)
