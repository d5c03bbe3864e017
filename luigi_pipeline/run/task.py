"""What makes a task one of the pipeline."""

from __future__ import annotations

from collections.abc import Set

import luigi


class PipelineTask(luigi.Task):
    """A task of the pipeline. A run that takes one holds the data dir."""

    def report(self) -> None:
        """Report what only this task knows of the run that ends. Most tasks report nothing."""

    def sources(self) -> Set[str]:
        """The sources that it has loaded, all their months."""
        required = luigi.task.flatten(self.requires())
        return {name for task in required if isinstance(task, PipelineTask) for name in task.sources()}
