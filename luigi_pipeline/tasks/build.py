"""Building the models with dbt, and testing them."""

from __future__ import annotations

from typing import Any

from luigi_pipeline import markers, project
from luigi_pipeline.markers import Marker
from luigi_pipeline.tasks.base import MobilityTask
from luigi_pipeline.tasks.ingest import IngestSource, loaded_inputs, sources, told_of_load

# Files of the dbt project that decide what is built and tested; what dbt and mf write when run there does not.
_CODE = ("[!.]*.yml", "models/**/*", "macros/**/*", "tests/**/*")

# Counted up when warehouse/describing.py notes other things beside the models, for Publish to find.
_NOTES = 1


class DbtBuild(MobilityTask):
    """The staging models, dimensions and facts are built from the raw tables, and their data tests pass."""

    resources = {"warehouse": 1}

    def requires(self) -> list[IngestSource]:
        """The three sources."""
        return sources()

    def inputs(self) -> dict[str, Any]:
        """What is loaded, the dbt project's files and the variables that it is given."""
        folder = project.folder() / "dbt_project"
        files = sorted(path for pattern in _CODE for path in folder.glob(pattern) if path.is_file())
        code = {path.relative_to(folder).as_posix(): markers.digest_file(path) for path in files}
        return loaded_inputs() | code | self._variables() | {"what is noted of the models": _NOTES}

    def told(self, name: str) -> str:
        """A changed input; of a republished month, its rows."""
        return told_of_load(name) or super().told(name)

    def work(self) -> Marker:
        """Run dbt: models first, each followed by its data tests."""
        from luigi_pipeline.warehouse import models

        inputs = self.inputs()
        self.drop_marker()
        outcome = models.build(project.folder() / "dbt_project", self.data, self.settings.warehouse, self._variables())
        return self.new_marker(
            inputs,
            versions=outcome.versions,
            details={
                "summary": f"{outcome.models} models, {outcome.tests} tests passed, {len(outcome.warnings)} warned",
                "models": outcome.models,
                "tests": outcome.tests,
                "warnings": outcome.warnings,
                "seconds_by_model": outcome.seconds_by_model,
            },
        )

    def _variables(self) -> dict[str, Any]:
        weather = self.settings.sources.weather if self.settings.sources.weather.enabled else None
        return {
            "enabled_sources": [task.source_name for task in sources() if task.is_enabled()],
            "weather_start_date": str(weather.start_date) if weather else None,
            "weather_end_date": str(weather.end_date) if weather else None,
        }
