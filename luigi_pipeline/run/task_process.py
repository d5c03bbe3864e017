"""The process in which a task runs."""

from __future__ import annotations

import gc
import multiprocessing
import os
from contextlib import ExitStack

from luigi.worker import TaskProcess

from luigi_pipeline.config import surroundings
from luigi_pipeline.console import logs, progress, streams
from luigi_pipeline.run import processes, scheduling
from luigi_pipeline.run.run import Run

# How many new objects there are before Python looks for cycles among them; by default 700. Importing dbt or Great
# Expectations makes hundreds of thousands, which stay, and the looks take a sixth of that time.
_BEFORE_A_LOOK = 100_000


class TaskProcessContext:
    """Sets up a task's own process for as long as the task runs. luigi.cfg names it as `task_process_context`."""

    def __init__(self, process: TaskProcess) -> None:
        """Keep the process, which Luigi passes in."""
        self._process = process
        self._open = ExitStack()

    def __enter__(self) -> None:
        """Make the process end with the run, log to the task's own file, and report the task's progress."""
        run = Run.current()
        if not run.has_begun:
            return  # another program's Luigi run, without a task of the pipeline
        if multiprocessing.parent_process() is not None:
            gc.set_threshold(_BEFORE_A_LOOK)
            processes.in_child()
            surroundings.close()
            if os.path.expanduser("~") == "~":
                # The user has no home folder, and no name to look one up by. Libraries ask for the home folder when
                # imported.
                os.environ["HOME"] = str(run.data.root)
        task = self._process.task
        # A wrapper task is Luigi's own, and has neither a log path nor a title.
        path = getattr(task, "log_path", None) or run.data.log_of(task.task_family, {})
        self._open.enter_context(logs.of_task(path))
        title = getattr(task, "title", task.task_family)
        self._open.enter_context(progress.following(title, self._process.status_reporter))
        progress.link(scheduling.link_to(path, run.data))

    def __exit__(self, *_: object) -> None:
        """Close the log."""
        self._open.close()
        if multiprocessing.parent_process() is not None:
            streams.settle()
