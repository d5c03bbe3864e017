"""Building the models with dbt, and testing them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import luigi

from luigi_pipeline.config import project
from luigi_pipeline.config.settings import Settings
from luigi_pipeline.console import progress
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.digests import digest, digest_file
from luigi_pipeline.run import scheduling
from luigi_pipeline.sources import MODES
from luigi_pipeline.sources.weather import HourlyWeather, Weather
from luigi_pipeline.state import markers
from luigi_pipeline.state.changes import EVERYTHING, Changes
from luigi_pipeline.state.markers import Marker, shortened
from luigi_pipeline.tasks.base import MobilityTask
from luigi_pipeline.tasks.ingest import describe_republished, ingested, loaded_inputs, sources

# Files of the dbt project that decide what is built and tested. Files that dbt and mf write there do not count.
_CODE = ("[!.]*.yml", "models/**/*", "macros/**/*", "tests/**/*")

# Variables that change only the tests, and those for all months.
_ASKED_OF_ALL_MONTHS = ("weather_start_date", "weather_end_date")

# Increase this when warehouse/describing.py writes other notes about the models, which Publish reads.
_NOTES = 2


class ParseModels(MobilityTask):
    """dbt has parsed its project, so that the build need not. This goes on beside the loads."""

    in_warehouse = False
    priority = -1  # after fetches and loads

    def inputs(self) -> dict[str, Any]:
        """The dbt project's files, and the variables that dbt asks for when it parses them."""
        asked_later = _ASKED_OF_ALL_MONTHS
        return {name: value for name, value in _project(self.settings).items() if name not in asked_later}

    def work(self) -> Marker:
        """Let dbt parse. It keeps what it has parsed in its target folder."""
        from luigi_pipeline.warehouse import models

        inputs, folder = self.inputs(), project.folder() / "dbt_project"
        manifest = models.parse(folder, self.data, self.settings.warehouse, _variables(self.settings))
        count = sum(key.startswith("model.") for key in manifest.nodes)
        return self.new_marker(inputs, details={"summary": f"{count} models parsed"})


class DbtBuild(MobilityTask):
    """The staging models, dimensions and facts are built from the raw tables, and their data tests pass."""

    resources = {"warehouse": 1}

    def requires(self) -> list[MobilityTask]:
        """The sources, and the parsed project."""
        return [*ingested(), ParseModels()]

    def inputs(self) -> dict[str, Any]:
        """What is loaded, the dbt project's files, and the variables that dbt is given."""
        return loaded_inputs() | _project(self.settings) | {"what is noted of the models": _NOTES}

    def describe_change(self, name: str) -> str:
        """Describe a changed input. For a republished month, name its rows."""
        return describe_republished(name) or super().describe_change(name)

    def work(self) -> Marker:
        """Run dbt: build each model, and then run its data tests."""
        from luigi_pipeline.warehouse import models

        inputs, last = self.inputs(), self.marker()
        changes = _changes(last, inputs) if last and selected_at(self.data) <= last.started_at else EVERYTHING
        self.drop_marker()
        folder, variables = project.folder() / "dbt_project", _variables(self.settings)
        limits = self.settings.warehouse
        outcome = models.build(folder, self.data, limits, variables, anew=self.is_forced, changes=changes)
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


class BuildSelected(MobilityTask):
    """Some of the models are built and tested, from the raw tables as they are."""

    resources = {"warehouse": 1}
    select = luigi.Parameter(description="The models, in dbt's words: fct_trips+, tag:daily, path:models/marts.")

    @property
    def marker_path(self) -> Path:
        """Where the marker is. Its name is a digest, because a selection may have any character in it."""
        name = digest(self.select)[:16]
        return self.data.marker_of(self.task_family, name)

    @property
    def log_path(self) -> Path:
        """Where the log is: the same file as for the whole build."""
        return DbtBuild().log_path

    def requires(self) -> list[MobilityTask]:
        """The sources, and the parsed project."""
        return [*ingested(), ParseModels()]

    def uses(self) -> list[MobilityTask]:
        """None: when what it requires is done again, a whole build follows, which builds its models too."""
        return []

    def inputs(self) -> dict[str, Any]:
        """What the whole build depends on."""
        return DbtBuild().inputs()

    def work(self) -> Marker:
        """Run dbt on the selection. If it fails, the next whole build builds everything that is needed."""
        from luigi_pipeline.warehouse import models

        inputs = self.inputs()
        self.drop_marker()
        folder, variables = project.folder() / "dbt_project", _variables(self.settings)
        try:
            limits = self.settings.warehouse
            outcome = models.build(folder, self.data, limits, variables, self.select, self.is_forced)
        except Exception:
            DbtBuild().drop_marker()
            raise
        summary = f"{outcome.models} models, {outcome.tests} tests passed, {len(outcome.warnings)} warned"
        return self.new_marker(inputs, versions=outcome.versions, details={"summary": summary})


def selected_at(data: DataDir) -> str:
    """When models were last built by selection, UTC, ISO 8601. Such a build does not record which months it built."""
    return max((marker.finished_at for marker in _selections(data)), default="")


def selected(data: DataDir) -> list[BuildSelected]:
    """The builds by selection that were done."""
    return [BuildSelected(**marker.parameters) for marker in _selections(data)]


def _selections(data: DataDir) -> list[Marker]:
    paths = (data.markers / BuildSelected.__name__).glob("*.json")
    return [marker for path in paths if (marker := markers.read(path))]


def _changes(last: Marker, inputs: dict[str, Any]) -> Changes:
    """What has changed since a build."""
    return Changes.between(last.inputs, shortened(inputs), _ASKED_OF_ALL_MONTHS)


def _project(settings: Settings) -> dict[str, Any]:
    """The dbt project's files, and the variables that dbt is given."""
    folder = project.folder() / "dbt_project"
    files = sorted(path for pattern in _CODE for path in folder.glob(pattern) if path.is_file())
    code = {path.relative_to(folder).as_posix(): digest_file(path) for path in files}
    return code | _variables(settings)


def _variables(settings: Settings) -> dict[str, Any]:
    block = settings.block(HourlyWeather.name, Weather)
    weather = block if block.enabled else None
    return {
        "enabled_sources": [task.source_name for task in sources() if task.is_enabled()],
        "modes": [{"name": name} | mode.for_dbt for name, mode in MODES.items()],
        "weather_start_date": str(weather.start_date) if weather else None,
        "weather_end_date": str(weather.end_date) if weather else None,
    }
