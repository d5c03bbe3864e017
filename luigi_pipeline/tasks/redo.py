"""Doing a task again although it is done, and everything that was made of its result: the option `--force`."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

import luigi

from luigi_pipeline.config import options
from luigi_pipeline.run.run import Run
from luigi_pipeline.run.task import PipelineTask
from luigi_pipeline.tasks.base import MobilityTask
from luigi_pipeline.tasks.ingest import Ingest
from luigi_pipeline.tasks.publish import Publish

log = logging.getLogger("luigi_pipeline.tasks")

_NOT_RUN = 15
_SHOWN = 6


def force(run: Run, asked_for: PipelineTask) -> Sequence[luigi.Task]:
    """Have a run that begins with `--force` do again what was asked for, and everything that was made of its result.

    Returns:
        The tasks that used its result, which Luigi is yet to be given.
    """
    if not options.forcing().force:
        return []
    return again(run, [asked_for] if isinstance(asked_for, MobilityTask) else luigi.task.flatten(asked_for.requires()))


def again(run: Run, tasks: list[MobilityTask]) -> list[MobilityTask]:
    """Have a run do tasks again, and everything that was made of their results. On a terminal, ask first.

    Returns:
        The tasks that used the results of these and have markers, in the order in which they run.
    """
    later = made_of(tasks)
    forced = {task.title: task for task in [*tasks, *later]}
    _ask([*forced])
    for task in forced.values():
        task.forget()
    run.forced.update(forced)
    return later


def made_of(tasks: list[MobilityTask]) -> list[MobilityTask]:
    """The tasks that used the results of some tasks, directly or not, and have markers, in the order of their runs."""
    given = {task.title for task in tasks}
    uses: dict[str, bool] = {}
    later: list[MobilityTask] = []

    def visit(task: MobilityTask) -> bool:
        if task.title not in uses:
            of_these = [visit(used) for used in task.uses()]
            uses[task.title] = task.title in given or any(of_these)
            if any(of_these) and task.title not in given and task.marker_path.exists():
                later.append(task)
        return uses[task.title]

    for last in (Ingest(), Publish()):
        visit(last)
    return later


def _ask(titles: list[str]) -> None:
    shown = ", ".join(titles[:_SHOWN]) + (f" and {len(titles) - _SHOWN} more" if titles[_SHOWN:] else "")
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        log.info("doing again: %s", shown)
        return
    print(f"This does again: {shown}. Go on? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        print("nothing was changed", file=sys.stderr)
        sys.exit(_NOT_RUN)
