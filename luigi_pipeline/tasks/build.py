"""Building the models with dbt, and testing them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import luigi

from luigi_pipeline.config import project
from luigi_pipeline.config.settings import Settings
from luigi_pipeline.console import progress
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.digests import digest, digest_file
from luigi_pipeline.run import runs, scheduling
from luigi_pipeline.state import markers
from luigi_pipeline.state.changes import EVERYTHING, Changes
from luigi_pipeline.state.markers import Marker
from luigi_pipeline.tasks import warming
from luigi_pipeline.tasks.base import MobilityTask, shortened
from luigi_pipeline.tasks.ingest import IngestSource, describe_republished, loaded_inputs, sources

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

    from luigi_pipeline.warehouse.models import Outcome

# Files of the dbt project that decide what is built and tested. Files that dbt and mf write there do not count.
_CODE = ("[!.]*.yml", "models/**/*", "macros/**/*", "tests/**/*")

# Variables that change only the tests, and those for all months.
_ASKED_OF_ALL_MONTHS = ("weather_start_date", "weather_end_date")

# Increase this when warehouse/describing.py writes other notes about the models, which Publish reads.
_NOTES = 2


class DbtBuild(MobilityTask):
    """The staging models, dimensions and facts are built from the raw tables, and their data tests pass."""

    resources = {"warehouse": 1}
    select = luigi.Parameter(
        default="",
        significant=False,
        visibility=luigi.parameter.ParameterVisibility.PRIVATE,
        description="Build only these models, in dbt's words: fct_trips+ is fct_trips and all that is made of it.",
    )

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make the task. With a selection of models, make a `BuildSelected` instead."""
        selection = kwargs.pop("select", "")
        if selection:
            return BuildSelected(*args, select=selection, **kwargs)
        return super().__new__(cls, *args, **kwargs)

    def requires(self) -> list[IngestSource]:
        """The three sources."""
        return sources()

    def deps(self) -> list[luigi.Task]:
        """What Luigi asks for when the models must be built."""
        warming.build_follows(self.parse, self.build)
        deps: list[luigi.Task] = super().deps()
        return deps

    def inputs(self) -> dict[str, Any]:
        """What is loaded, the dbt project's files, and the variables that dbt is given."""
        return loaded_inputs() | self._project() | {"what is noted of the models": _NOTES}

    def describe_change(self, name: str) -> str:
        """Describe a changed input. For a republished month, name its rows."""
        return describe_republished(name) or super().describe_change(name)

    def work(self) -> Marker:
        """Run dbt: build each model, and then run its data tests."""
        inputs, anew, last = self.inputs(), self.title in runs.forced, self.marker()
        changes = _changes(last, inputs) if last and selected_at(self.data) <= last.started_at else EVERYTHING
        self.drop_marker()
        outcome = warming.build(self.build, anew, changes)
        progress.link(scheduling.link_to(self.data.dbt_docs, self.data))
        return self.new_marker(
            inputs,
            versions=outcome.versions,
            details={
                "summary": f"{outcome.models} models, {outcome.tests} tests passed, {len(outcome.warnings)} warned",
                "models": outcome.models,
                "tests": outcome.tests,
                "warnings": outcome.warnings,
                "seconds_by_model": outcome.seconds_by_model,
                # The next validation checks only what has changed: it needs the build before this one, and the new
                # months.
                "since": last.fingerprint if last else None,
                "rebuilt": outcome.changes.of_trips,
            },
        )

    def _project(self) -> dict[str, Any]:
        """The dbt project's files, and the variables that dbt is given."""
        folder = project.folder() / "dbt_project"
        files = sorted(path for pattern in _CODE for path in folder.glob(pattern) if path.is_file())
        code = {path.relative_to(folder).as_posix(): digest_file(path) for path in files}
        return code | _variables(self.settings)

    def parse(self) -> tuple[dict[str, Any], Manifest]:
        """Let dbt parse the project. Also return the files and variables that were parsed."""
        from luigi_pipeline.warehouse import models

        parsed, folder = self._project(), project.folder() / "dbt_project"
        return parsed, models.parse(folder, self.data, self.settings.warehouse, _variables(self.settings))

    def build(self, ahead: tuple[dict[str, Any], Manifest] | None, anew: bool, changes: Changes) -> Outcome:
        """Let dbt build all models. Use the project that was parsed ahead, if it has not changed since."""
        from luigi_pipeline.warehouse import models

        manifest = ahead[1] if ahead and ahead[0] == self._project() else None
        folder, variables = project.folder() / "dbt_project", _variables(self.settings)
        limits = self.settings.warehouse
        return models.build(folder, self.data, limits, variables, anew=anew, changes=changes, manifest=manifest)


class BuildSelected(MobilityTask):
    """Some of the models are built and tested, from the raw tables as they are. `DbtBuild --select` makes this task."""

    resources = {"warehouse": 1}
    select = luigi.Parameter(description="The models, in dbt's words: fct_trips+, tag:daily, path:models/marts.")

    @property
    def marker_path(self) -> Path:
        """Where the marker is. Its name is a digest, because a selection may have any character in it."""
        name = digest(self.select)[:16]
        return self.data.markers.joinpath(self.task_family, f"{name}.json")

    @property
    def log_path(self) -> Path:
        """Where the log is: the same file as for the whole build."""
        return DbtBuild().log_path

    def requires(self) -> list[IngestSource]:
        """The three sources."""
        return sources()

    def inputs(self) -> dict[str, Any]:
        """What the whole build depends on."""
        return DbtBuild().inputs()

    def work(self) -> Marker:
        """Run dbt on the selection. If it fails, the next whole build builds everything that is needed."""
        from luigi_pipeline.warehouse import models

        inputs, anew = self.inputs(), self.title in runs.forced
        self.drop_marker()
        folder, variables = project.folder() / "dbt_project", _variables(self.settings)
        try:
            outcome = models.build(folder, self.data, self.settings.warehouse, variables, self.select, anew)
        except Exception:
            DbtBuild().drop_marker()
            raise
        summary = f"{outcome.models} models, {outcome.tests} tests passed, {len(outcome.warnings)} warned"
        return self.new_marker(inputs, versions=outcome.versions, details={"summary": summary})


def selected_at(data: DataDir) -> str:
    """When models were last built by selection, UTC, ISO 8601. Such a build does not record which months it built."""
    selections = (markers.read(path) for path in (data.markers / BuildSelected.__name__).glob("*.json"))
    return max((marker.finished_at for marker in selections if marker), default="")


def _changes(last: Marker, inputs: dict[str, Any]) -> Changes:
    """What has changed since a build."""
    return Changes.between(last.inputs, shortened(inputs), _ASKED_OF_ALL_MONTHS)


def _variables(settings: Settings) -> dict[str, Any]:
    weather = settings.sources.weather if settings.sources.weather.enabled else None
    return {
        "enabled_sources": [task.source_name for task in sources() if task.is_enabled()],
        "weather_start_date": str(weather.start_date) if weather else None,
        "weather_end_date": str(weather.end_date) if weather else None,
    }
