"""Doing a task again although it is done, and everything that was made of its result."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any

import luigi

from luigi_pipeline.run import runs
from luigi_pipeline.run.holding import holding
from luigi_pipeline.tasks.base import MobilityTask
from luigi_pipeline.tasks.build import BuildSelected, DbtBuild
from luigi_pipeline.tasks.fetch import Fetch
from luigi_pipeline.tasks.ingest import Ingest, IngestSource, sources
from luigi_pipeline.tasks.load import Load
from luigi_pipeline.tasks.publish import Publish
from luigi_pipeline.tasks.validate import Validate

log = logging.getLogger("luigi_pipeline.tasks")

_NOT_RUN = 15
_SHOWN = 6


class Redo(luigi.WrapperTask):
    """Do a task again, and everything that was made of its result: `--force` turns a task into this one."""

    name = luigi.Parameter(description="The task that is done again.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Require nothing yet."""
        super().__init__(*args, **kwargs)
        self.tasks: list[luigi.Task] = []

    @classmethod
    def of(cls, name: str, tasks: list[MobilityTask], last: Iterable[luigi.Task] = ()) -> Redo:
        """Remove the markers of tasks and of what was made of their results. On a terminal, ask first.

        Args:
            name: The title of what is done again.
            tasks: The tasks.
            last: Other tasks that must be complete in the end.

        Raises:
            AlreadyRunning: Another run holds the data dir.
        """
        later = {made.title: made for task in tasks for made in made_of(task)}
        todo = [*tasks, *(made for title, made in later.items() if title not in {task.title for task in tasks})]
        _ask([task.title for task in todo])
        # A run from the command line holds the data dir by now. A run from Python holds it later.
        with nullcontext() if runs.is_on() else holding(runs.data_dir()):
            for task in todo:
                task.forget()
                runs.forced.add(task.title)
        redo = cls(name=name)
        redo.tasks = [*todo, *last]
        return redo

    def requires(self) -> list[luigi.Task]:
        """The tasks that are done again."""
        return self.tasks


def made_of(task: MobilityTask) -> list[MobilityTask]:
    """The tasks that used a task's result and have markers, in the order in which they ran."""
    later: list[MobilityTask]
    stages: list[MobilityTask] = [DbtBuild(), Validate(), Publish()]
    if isinstance(task, Fetch):
        later = [task.load, *made_of(task.load)]
    elif isinstance(task, Load):
        names = {"taxi_zones": "yellow_taxi"}
        name = names.get(task.fetch.origin.name, task.fetch.origin.name)
        later = [made for source in sources() if source.source_name == name for made in (source, *made_of(source))]
    elif isinstance(task, IngestSource):
        later = [Ingest(), *stages]
    elif isinstance(task, BuildSelected):
        later = stages[1:]
    else:
        titles = [stage.title for stage in stages]
        later = stages[titles.index(task.title) + 1 :] if task.title in titles else []
    return [made for made in later if made.marker_path.exists()]


def _ask(titles: list[str]) -> None:
    shown = ", ".join(titles[:_SHOWN]) + (f" and {len(titles) - _SHOWN} more" if titles[_SHOWN:] else "")
    if not (runs.is_on() and sys.stdin.isatty() and sys.stderr.isatty()):
        log.info("doing again: %s", shown)
        return
    print(f"This does again: {shown}. Go on? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        print("nothing was changed", file=sys.stderr)
        raise SystemExit(_NOT_RUN)
