"""Runs from Python: `luigi.build` holds the data dir, as a run from the command line does.

Luigi has no hook for this: its task hooks are also called for tasks that are only looked at, or only in a task's own
process. So this module extends two methods of Luigi's worker, and no other module does. The worker calls the first
when it takes a task, before it asks whether the task is complete, and the second when the build ends, in whatever
way. The data dir is held from the first task of the pipeline to the end. After that, nothing is left in the process:
no lock, no log file, no signal handler.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from functools import partial
from types import TracebackType
from weakref import WeakKeyDictionary

import luigi
from luigi.configuration import get_config
from luigi.execution_summary import LuigiRunResult, LuigiStatusCode
from luigi.worker import Worker

from luigi_pipeline.config import options, project
from luigi_pipeline.console import logs
from luigi_pipeline.core.errors import AlreadyRunning, ConfigError
from luigi_pipeline.run import ending, runs, scheduling
from luigi_pipeline.run.holding import holding

# The same codes as in luigi.cfg's `retcode`, which holds for runs from the command line.
_CODES = {
    LuigiStatusCode.SUCCESS: 0,
    LuigiStatusCode.SUCCESS_WITH_RETRY: 0,
    LuigiStatusCode.NOT_RUN: 15,
    LuigiStatusCode.MISSING_EXT: 20,
    LuigiStatusCode.FAILED: 30,
    LuigiStatusCode.SCHEDULING_FAILED: 35,
    LuigiStatusCode.FAILED_AND_SCHEDULING_FAILED: 35,
}
_ERROR = 40
_INTERRUPTED = 130

_builds: WeakKeyDictionary[Worker, ExitStack] = WeakKeyDictionary()
_take, _leave = Worker._validate_task, Worker.__exit__


def _take_and_hold(worker: Worker, task: luigi.Task) -> None:
    _take(worker, task)
    if hasattr(task, "marker") and worker not in _builds and not runs.is_on():
        with ExitStack() as stack:
            _begin(worker, task, stack)
            _builds[worker] = stack.pop_all()


def _leave_and_let_go(
    worker: Worker, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
) -> bool:
    stack = _builds.pop(worker, ExitStack())
    stack.push(partial(_leave, worker))
    return bool(stack.__exit__(kind, error, trace))


def _begin(worker: Worker, task: luigi.Task, stack: ExitStack) -> None:
    """Begin the run, and let the stack end it.

    Raises:
        AlreadyRunning: Another run holds the data dir.
        ConfigError: The configuration can't be used.
    """
    if not get_config().has_option("resources", "download"):
        file = project.folder() / "luigi.cfg"
        raise ConfigError(f"Luigi has not read {file}: import luigi_pipeline there, or with MOBILITY_PROJECT_DIR set")
    data, command = runs.data_dir(), f"luigi.build in {sys.argv[0] or 'Python'}"
    try:
        stack.enter_context(holding(data))
    except AlreadyRunning:
        ending.note_refusal(data, task.task_family, command)
        raise
    runs.begin_anew()
    is_quiet = options.mobility().quiet
    stack.enter_context(logs.writing_to(data.logs))
    if is_quiet:
        logs.hush()
    stack.callback(runs.forced.clear)
    ending.watch(data, runs.configuration(), task.task_family, command, quiet=is_quiet)
    stack.push(partial(_end, worker))
    scheduling.release_tasks_of_ended_runs(worker._scheduler)
    runs.recognise_warehouse()
    runs.ask_for_new_months()


def _end(worker: Worker, _: object, error: BaseException | None, __: object) -> None:
    if isinstance(error, KeyboardInterrupt):
        ending.end(_INTERRUPTED, "stopped by SIGINT", error)
    else:
        ending.end(_CODES[LuigiRunResult(worker).status] if error is None else _ERROR, error=error)


Worker._validate_task, Worker.__exit__ = _take_and_hold, _leave_and_let_go  # type: ignore[method-assign]
