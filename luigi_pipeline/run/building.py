"""Where Luigi's worker begins and ends a run of the pipeline.

Luigi has no hooks for this: its task hooks are also called for tasks that are only looked at, or only in a task's own
process. So this module extends three methods of Luigi's worker, and no other module does. The worker calls the first
when it takes a task, before it asks whether the task is complete; the second when it has nothing to run at the moment;
and the third when it ends, in whatever way.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from types import TracebackType

import luigi
from luigi.cmdline_parser import CmdlineParser
from luigi.worker import GetWorkResponse, Worker

from luigi_pipeline.run import events as events  # Luigi reports to it from now on
from luigi_pipeline.run import failures
from luigi_pipeline.run.beginning import begin
from luigi_pipeline.run.run import Run
from luigi_pipeline.run.task import PipelineTask

_HELD = "held_by_pipeline"  # an attribute of a worker: what its run holds


def extend_workers(prepare: Callable[[Run, PipelineTask], Sequence[luigi.Task]]) -> None:
    """Have Luigi's workers begin and end runs.

    Args:
        prepare: Called when a run has begun, with the task that it was begun for. Returns further tasks to be done.
    """
    take, keep_alive, leave = Worker._validate_task, Worker._keep_alive, Worker.__exit__

    def take_and_begin(worker: Worker, task: luigi.Task) -> None:
        take(worker, task)
        tasks = _of_pipeline(task)
        if not tasks:
            return
        is_first = not hasattr(worker, _HELD)
        if is_first:
            _begin_and_hold(worker, tasks[0])
        run = Run.current()
        run.tasks |= {it.task_id: it for it in tasks}
        if is_first:
            for other in prepare(run, tasks[0]):
                worker.add(other)

    def wait_for_attempts(worker: Worker, response: GetWorkResponse) -> bool:
        """Wait for a failed task to be tried again. Luigi would wait for any task that can't run, or for none."""
        if not hasattr(worker, _HELD):
            return bool(keep_alive(worker, response))
        given, worker._config.keep_alive = worker._config.keep_alive, failures.will_be_tried_again()
        try:
            return bool(keep_alive(worker, response))
        finally:
            worker._config.keep_alive = given

    def leave_and_end(
        worker: Worker, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        held: ExitStack | None = getattr(worker, _HELD, None)
        if held is None or CmdlineParser.get_instance() is not None:
            return bool(leave(worker, kind, error, trace))
        held.push(partial(leave, worker))
        return bool(held.__exit__(kind, error, trace))

    Worker._validate_task = take_and_begin  # type: ignore[method-assign]
    Worker._keep_alive = wait_for_attempts  # type: ignore[method-assign]
    Worker.__exit__ = leave_and_end  # type: ignore[method-assign]


def _begin_and_hold(worker: Worker, task: PipelineTask) -> None:
    with ExitStack() as stack:
        begin(task, worker, stack)
        held = stack.pop_all()
    setattr(worker, _HELD, held)
    if CmdlineParser.get_instance() is not None:
        atexit.register(held.close)  # until then, the end of the run has all that it needs


def _of_pipeline(task: luigi.Task) -> list[PipelineTask]:
    """The task, if it is of the pipeline; of another program's wrapper, those that it requires.

    If these are complete, Luigi does not take them. But they may not be once the run has asked for new months.
    """
    if isinstance(task, PipelineTask):
        return [task]
    if not isinstance(task, luigi.WrapperTask):
        return []
    with suppress(Exception):  # Luigi meets the same error, and reports it
        return [it for required in luigi.task.flatten(task.requires()) for it in _of_pipeline(required)]
    return []
