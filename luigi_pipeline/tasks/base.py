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
from luigi.task_register import Register

from luigi_pipeline.config.settings import Settings
from luigi_pipeline.console import progress
from luigi_pipeline.core.clock import utc_now
from luigi_pipeline.core.datadir import DataDir, relative
from luigi_pipeline.core.digests import digest
from luigi_pipeline.core.errors import explain
from luigi_pipeline.run import failures, runs
from luigi_pipeline.state import identity, markers
from luigi_pipeline.state.markers import Marker
from luigi_pipeline.tasks.forcing import Forceable
from luigi_pipeline.warehouse.recognise import recognise

log = logging.getLogger("luigi_pipeline.tasks")

_MOST_CHANGES = 3


class MobilityTask(luigi.Task, metaclass=Forceable):
    """A task that leaves a marker.

    A subclass names what its result depends on (`inputs`) and does the work (`work`). It is complete when all tasks
    that it requires are complete, and its marker belongs to this warehouse and has the fingerprint of today's inputs.
    """

    in_warehouse = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Make the task; the first one of a process begins the run."""
        super().__init__(*args, **kwargs)
        runs.begin()

    @property
    def settings(self) -> Settings:
        """The run's configuration."""
        return runs.configuration()

    @property
    def data(self) -> DataDir:
        """The run's data dir."""
        return runs.data_dir()

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters that distinguish the task from others of its family."""
        return dict(self.to_str_params(only_significant=True))

    @property
    def marker_path(self) -> Path:
        """Where the marker is: one folder per task, one file per set of parameters."""
        return self.data.markers.joinpath(self.task_family, *self.parameters.values()).with_suffix(".json")

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
        return None if marker.fingerprint == self.fingerprint() else self.changes(marker)

    def changes(self, marker: Marker) -> str:
        """Describe how the inputs differ from those of the marker."""
        now = shortened(self.inputs())
        added, gone = sorted(now.keys() - marker.inputs.keys()), sorted(marker.inputs.keys() - now.keys())
        other = sorted(key for key in now.keys() & marker.inputs.keys() if now[key] != marker.inputs[key])
        changes = (
            [f"{key} is new" for key in added]
            + [self.describe_change(key) for key in other]
            + [f"{key} is gone" for key in gone]
        )
        return ", ".join(changes[:_MOST_CHANGES]) + (
            f" and {len(changes) - _MOST_CHANGES} more" if changes[_MOST_CHANGES:] else ""
        )

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
            if runs.found_unknown_warehouse(self.data.root):
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

    def redo(self) -> luigi.Task:
        """The task that does this one again, and everything that was made of its result."""
        # Found by its name, as Luigi finds tasks. It imports this file, so it can't be imported here.
        made: luigi.Task = Register.get_task_cls("Redo").of(self.title, [self])
        return made

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


def shortened(inputs: dict[str, Any]) -> dict[str, str]:
    """Shorten inputs to digests. A marker keeps them, so that a later run can name the input that has changed."""
    return {name: digest(value)[:16] for name, value in inputs.items()}
