"""The process in which a task runs."""

from __future__ import annotations

import multiprocessing
import os
from contextlib import ExitStack

from luigi.worker import TaskProcess

from luigi_pipeline.config import surroundings
from luigi_pipeline.console import logs, progress, streams
from luigi_pipeline.run import ending, processes, runs, scheduling


class TaskProcessContext:
    """What a task's own process needs while the task runs; named in luigi.cfg as `task_process_context`."""

    def __init__(self, process: TaskProcess) -> None:
        """Luigi hands over the process."""
        self._process = process
        self._open = ExitStack()

    def __enter__(self) -> None:
        """Die with the run, log to the task's own file, and tell how far the task is."""
        if not ending.is_awaited():
            return  # it is another one's, which has no task of the pipeline
        if multiprocessing.parent_process() is not None:
            processes.in_child()
            surroundings.close()
            if os.path.expanduser("~") == "~":
                # The user has no home folder, and no name to find one by; libraries ask for it as they are imported.
                os.environ["HOME"] = str(runs.data_dir().root)
        task = self._process.task
        # A wrapper has neither: it is Luigi's own.
        path = getattr(task, "log_path", None) or runs.data_dir().log_of(task.task_family, {})
        self._open.enter_context(logs.of_task(path))
        title = getattr(task, "title", task.task_family)
        self._open.enter_context(progress.following(title, self._process.status_reporter))
        progress.link(scheduling.link_to(path, runs.data_dir()))

    def __exit__(self, *_: object) -> None:
        """Close the log."""
        self._open.close()
        if multiprocessing.parent_process() is not None:
            streams.settle()
