"""What all tasks share: they are done when their marker says so."""

from __future__ import annotations

import logging
import platform
import time
from abc import abstractmethod
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import luigi

from luigi_pipeline.config.settings import Settings
from luigi_pipeline.console import progress
from luigi_pipeline.core.clock import utc_now
from luigi_pipeline.core.datadir import DataDir, relative
from luigi_pipeline.core.digests import digest
from luigi_pipeline.core.errors import explain
from luigi_pipeline.run import failures
from luigi_pipeline.run.run import Run
from luigi_pipeline.run.task import PipelineTask
from luigi_pipeline.state import identity, markers
from luigi_pipeline.state.markers import Marker, shortened
from luigi_pipeline.warehouse.recognise import recognise

log = logging.getLogger("luigi_pipeline.tasks")


class MobilityTask(PipelineTask):
    """A task that leaves a marker.

    A subclass names what its result depends on (`inputs`) and does the work (`work`). It is complete when all tasks
    that it requires are complete, and its marker belongs to this warehouse and has the fingerprint of today's inputs.
    """

    in_warehouse = True

    @property
    def settings(self) -> Settings:
        """The run's configuration."""
        return Run.current().settings

    @property
    def data(self) -> DataDir:
        """The run's data dir."""
        return Run.current().data

    @property
    def is_forced(self) -> bool:
        """Whether the run does the task again, even if nothing has changed."""
        return self.title in Run.current().forced

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters that distinguish the task from others of its family."""
        return dict(self.to_str_params(only_significant=True))

    @property
    def marker_path(self) -> Path:
        """Where the marker is: one folder per task, one file per set of parameters."""
        return self.data.marker_of(self.task_family, *self.parameters.values())

    @property
    def log_path(self) -> Path:
        """Where the log is."""
        return self.data.log_of(self.task_family, self.parameters)

    @property
    def title(self) -> str:
        """The task as people read it: LoadMonth citibike 2024-09."""
        return " ".join([self.task_family, *self.parameters.values()])

    def output(self) -> luigi.LocalTarget:
        """The marker."""
        return luigi.LocalTarget(str(self.marker_path))

    def process_resources(self) -> dict[str, int]:
        """The resources that the task needs. A task that failed for good needs one that does not exist."""
        return failures.resources(self.title, dict(self.resources))

    def marker(self) -> Marker | None:
        """The marker, if it belongs to the warehouse that is there now."""
        marker = markers.read(self.marker_path)
        if marker and self.in_warehouse and marker.warehouse != identity.warehouse_id(self.data):
            return None
        return marker

    def complete(self) -> bool:
        """Whether there is nothing to do. Reads markers only."""
        return all(task.complete() for task in luigi.task.flatten(self.requires())) and self.reason() is None

    def reason(self) -> str | None:
        """Why the work must be done, apart from what is required; None if it need not be done."""
        marker = self.marker()
        if marker is None:
            return identity.why_unknown(self.data) if markers.read(self.marker_path) else "not done yet"
        inputs = self.inputs()
        return None if marker.is_of(inputs) else marker.changes(inputs, self.describe_change)

    def describe_change(self, name: str) -> str:
        """Describe a changed input."""
        return f"{name} has changed"

    @abstractmethod
    def inputs(self) -> dict[str, Any]:
        """Everything that the result depends on, by names that people know."""

    def fingerprint(self) -> str:
        """Digest of everything that the result depends on."""
        return digest(self.inputs())

    @abstractmethod
    def work(self) -> Marker | Generator[luigi.Task, None, Marker]:
        """Do the work. Return its marker without times."""

    def run(self) -> Generator[luigi.Task, None, None]:
        """Do the work if it is not done, write the marker, and report it in one line."""
        started, clock = utc_now(), time.monotonic()
        try:
            if Run.current().found_unknown_warehouse:
                recognise(self.data, self.settings.warehouse)
            if self.complete():
                log.info("%s: nothing has changed", self.title)
                return
            made = self.work()
            marker = made if isinstance(made, Marker) else (yield from made)
            replace(marker, started_at=started, finished_at=utc_now()).write(self.marker_path)
        except Exception as error:
            log.error("%s failed: %s", self.title, self.on_failure(error))
            raise
        summary = marker.details.get("summary", "done")
        progress.report(summary, 1, step="done")
        log.info("%s: %s (%.1f s)", self.title, summary, time.monotonic() - clock)

    def on_failure(self, exception: BaseException) -> str:
        """Explain the failure in one line that names the log, for the console and the visualiser."""
        return f"{explain(exception, self.data.root)}; log: {relative(self.log_path)}"

    def uses(self) -> list[MobilityTask]:
        """The tasks whose results it uses: those that it requires."""
        return [task for task in luigi.task.flatten(self.requires()) if isinstance(task, MobilityTask)]

    def forget(self) -> None:
        """Remove everything that says that the task is done, so that it runs again."""
        self.drop_marker()

    def drop_marker(self) -> None:
        """Remove the marker before its result is changed, so that a failure half way leaves no marker."""
        self.marker_path.unlink(missing_ok=True)

    def new_marker(self, inputs: dict[str, Any], versions: dict[str, str] | None = None, **facts: Any) -> Marker:
        """Make a marker of this task, bound to the warehouse that is there now.

        Args:
            inputs: The inputs as they were before the work began.
            versions: Versions of the libraries that did the work.
            **facts: Other fields of the marker.
        """
        return Marker(
            task=self.task_family,
            parameters=self.parameters,
            fingerprint=digest(inputs),
            inputs=shortened(inputs),
            started_at="",
            finished_at="",
            warehouse=identity.warehouse_id(self.data) if self.in_warehouse else None,
            versions={"python": platform.python_version(), "luigi": luigi.__version__} | (versions or {}),
            **facts,
        )
