"""Which of the tasks that failed Luigi tries again.

Luigi tries a failed task again after `[scheduler] retry_delay`, up to `retry_count` times in all. Whether that makes
sense is told by the failure: a publisher that was down may be up again, a file that is damaged stays so. A task that
failed for good asks for a resource that no scheduler has, and is never handed out again in this run.

What failed, and how often, is in the history of the run (`recording`).
"""

from __future__ import annotations

from luigi.scheduler import scheduler
from luigi.worker import worker

from luigi_pipeline.run import recording

# Luigi takes a resource that luigi.cfg does not name for one there is once.
NEVER = {"failed_for_good": 2}


def resources(title: str, wanted: dict[str, int]) -> dict[str, int]:
    """What a task needs to be run: what it wants, or what no one has, where it has failed for good.

    Luigi asks this when it schedules the task, and when an attempt at it has ended, just before it tells the scheduler.

    Args:
        title: The task's.
        wanted: What it wants.
    """
    if not recording.is_on():
        return wanted
    failed = {it.title: it for it in recording.failed()}
    # Luigi's worker goes home when nothing is left that can be run at once, unless it is told to wait.
    most = scheduler().retry_count
    worker().keep_alive = any(it.is_passing and it.attempts < most for it in failed.values())
    return wanted | NEVER if title in failed and not failed[title].is_passing else wanted


def end_waiting() -> None:
    """Let Luigi's worker wait for nothing more, in a process that goes on after the run."""
    worker().keep_alive = False
