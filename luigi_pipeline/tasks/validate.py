"""Validating the built models with Great Expectations."""

from __future__ import annotations

from luigi_pipeline import markers, project
from luigi_pipeline.markers import Marker
from luigi_pipeline.tasks.base import MobilityTask
from luigi_pipeline.tasks.build import DbtBuild


class Validate(MobilityTask):
    """Ten suites of expectations hold on the built models: none errors, and none of severity critical fails."""

    # It only reads, but DuckDB lets no one read while another process writes.
    resources = {"warehouse": 1}

    def requires(self) -> DbtBuild:
        """The built models."""
        return DbtBuild()

    def fingerprint(self) -> str:
        """Digest of the build, the expectations and their thresholds."""
        folder = project.folder() / "config" / "expectations"
        return markers.digest(
            {
                "build": DbtBuild().fingerprint(),
                "expectations": markers.digest_files(sorted(folder.glob("*.yml")), folder),
                "thresholds": self.settings.validation.model_dump(),
            }
        )

    def work(self) -> Marker:
        """Run the suites; write the report and the Data Docs."""
        raise NotImplementedError
