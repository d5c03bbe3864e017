"""Validating the built models with Great Expectations."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from luigi_pipeline.config import project
from luigi_pipeline.console import progress
from luigi_pipeline.core.clock import utc_now
from luigi_pipeline.core.datadir import relative
from luigi_pipeline.core.digests import digest_file
from luigi_pipeline.core.errors import ValidationFailed
from luigi_pipeline.run import scheduling
from luigi_pipeline.sources.taxi_zones import TaxiZones
from luigi_pipeline.state import findings
from luigi_pipeline.state.markers import Marker, shortened
from luigi_pipeline.tasks.base import MobilityTask
from luigi_pipeline.tasks.build import DbtBuild, selected
from luigi_pipeline.tasks.ingest import IngestZones, sources
from luigi_pipeline.validation.plausibility import PROFILES

log = logging.getLogger("luigi_pipeline.tasks")

BUILD = "the build"
_MOST_LINES = 3


class Validate(MobilityTask):
    """The expectations hold on the built models: no check ends in an error, and no critical check fails.

    An unusual month is a finding. It blocks only if `validation.block_on` says so.
    """

    # Validating only reads, but DuckDB lets no process read while another one writes.
    resources = {"warehouse": 1}

    def requires(self) -> DbtBuild:
        """The built models."""
        return DbtBuild()

    def uses(self) -> list[MobilityTask]:
        """The builds of all models and of some."""
        return [DbtBuild(), *selected(self.data)]

    def inputs(self) -> dict[str, Any]:
        """The build, the expectations and their thresholds."""
        files = sorted((project.folder() / "config" / "expectations").glob("*.yml"))
        suites = {f"expectations of {path.stem}": digest_file(path) for path in files}
        usual = {"what is usual of a month": digest_file(_plausibility())}
        # Not `accepted` and not `block_on`: neither changes the results of the checks.
        thresholds = {"validation in the configuration": self.settings.validation.min_rows.model_dump()}
        return {BUILD: DbtBuild().fingerprint()} | suites | usual | thresholds

    def reason(self) -> str | None:
        """Why to validate. One reason is that the findings are gone or block."""
        why = super().reason()
        if why is None and not self.data.findings.exists():
            return f"{relative(self.data.findings)} is gone"
        marker = self.marker()
        return why or self._in_the_way(marker.details.get("warned", []) if marker else [])

    def _in_the_way(self, warned: Sequence[str]) -> str | None:
        """What blocks although no critical check failed, in words; None if nothing does."""
        validation = self.settings.validation
        if validation.block_on == "critical":
            return None
        unaccepted = [it.line for it in findings.unaccepted(self.data, validation.accepted)]
        lines = [*warned, *unaccepted]
        more = f" and {len(lines) - _MOST_LINES} more" if lines[_MOST_LINES:] else ""
        return (
            f"validation.block_on is warning, and so this blocks: {'; '.join(lines[:_MOST_LINES])}{more}"
            if lines
            else None
        )

    def work(self) -> Marker:
        """Run the suites; write the report and the Data Docs."""
        from luigi_pipeline.report import notice
        from luigi_pipeline.validation.run import ValidationInput, validate

        # A disabled source that was loaded before is still in the warehouse, and is checked like the others.
        expected = [task.source_name for task in sources()] + ([TaxiZones.name] if IngestZones().is_there() else [])
        inputs, started = self.inputs(), utc_now()
        if super().reason() is None and self.data.findings.exists() and not self.is_forced:
            # Everything was evaluated before. Only findings that nobody has accepted block.
            raise ValidationFailed(self.reason())
        months = None if self.is_forced else changed_months(self.marker(), DbtBuild().marker(), inputs)
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
            progress=_report_progress,
            months=months,
            plausibility=_plausibility(),
        )
        findings.keep(self.data, summary.findings, utc_now())
        progress.link(scheduling.link_to(summary.data_docs, self.data))
        notice.show(self.data, [item.line for item in summary.blocking])
        if not summary.ok:
            first = "; ".join(item.line for item in summary.blocking[:3])
            raise ValidationFailed(f"{len(summary.blocking)} expectations do not hold: {first}; see {summary.report}")
        if summary.data_docs_error:
            log.warning("the Data Docs could not be built: %s", summary.data_docs_error)
        # Without the findings: the end of the run reports them.
        warned = [item.line for item in summary.outcomes if item.status == "failed" and item.suite != PROFILES]
        for line in warned:
            log.warning("%s", line)
        passed, asked = summary.count("passed"), len(summary.outcomes) - summary.count("skipped")
        marker = self.new_marker(
            inputs,
            versions={"great_expectations": version("great_expectations")},
            details={
                "summary": f"{passed} of {asked} expectations hold in {len(summary.suites)} suites"
                + (f"; trips: {_listed(months)}" if months is not None else ""),
                "suites": len(summary.suites),
                "passed": passed,
                "failed": summary.count("failed"),
                "skipped": summary.count("skipped"),
                "warned": warned,
            },
        )
        in_the_way = self._in_the_way(warned)
        if in_the_way:
            # The marker stays valid: when the findings are accepted, nothing is evaluated again.
            replace(marker, started_at=started, finished_at=utc_now()).write(self.marker_path)
            notice.show(self.data, [in_the_way])
            raise ValidationFailed(in_the_way)
        return marker


def _plausibility() -> Path:
    return project.folder() / "config" / "plausibility.yml"


def changed_months(last: Marker | None, build: Marker | None, inputs: dict[str, Any]) -> dict[str, list[str]] | None:
    """The months of trips that were built anew since the last validation, by source.

    Args:
        last: The marker of that validation. There is none if it failed or was killed.
        build: The marker of the build to validate. In its details, `since` is the fingerprint of the build that it
            continued from, and `rebuilt` are the months that it built anew.
        inputs: The inputs of the validation that is about to begin.

    Returns:
        The months. None means everything: something else than the build has changed, or there was more than one build.
    """
    if last is None or build is None or build.fingerprint != inputs[BUILD]:
        return None
    if last.inputs != shortened(inputs | {BUILD: build.details.get("since")}):
        return None
    rebuilt: dict[str, list[str]] | None = build.details.get("rebuilt")
    return rebuilt


def _listed(months: dict[str, list[str]]) -> str:
    every = sorted({month for of in months.values() for month in of})
    if len(every) > 4:
        return f"{len(every)} months from {every[0]} to {every[-1]}"
    return ", ".join(every) or "no month has changed"


def _report_progress(suite: str, passed: int, total: int, done: float) -> None:
    progress.report(f"{suite}: {passed} of {total} passed", done, step=suite)
