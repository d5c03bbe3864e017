"""Which of the tasks that failed Luigi tries again.

Luigi tries a failed task again after `[scheduler] retry_delay`, up to `retry_count` times in all. Whether that makes
sense depends on the failure: a publisher that was down may be up again, but a damaged file stays damaged. A task that
failed for good asks for a resource that no scheduler has, so Luigi does not run it again in this run.
"""

from __future__ import annotations

from luigi.scheduler import scheduler

from luigi_pipeline.run.run import Run

# Luigi has one of each resource that luigi.cfg does not name.
NEVER = {"failed_for_good": 2}


def resources(title: str, wanted: dict[str, int]) -> dict[str, int]:
    """The resources that a task needs: its own or, if it failed for good, one that does not exist.

    Luigi asks this when it schedules the task, and again when an attempt has ended, before it informs the scheduler.

    Args:
        title: The task's title.
        wanted: The task's own resources.
    """
    recording = Run.current().recording
    failed = {it.title: it for it in recording.failed()} if recording else {}
    return wanted | NEVER if title in failed and not failed[title].is_passing else wanted


def will_be_tried_again() -> bool:
    """Whether Luigi will try a task again that has failed in this run."""
    recording = Run.current().recording
    most = scheduler().retry_count
    return any(it.is_passing and it.attempts < most for it in recording.failed()) if recording else False
