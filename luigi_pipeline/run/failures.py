"""What the processes of tasks tell the run of their failures, and which of these Luigi is to try again.

A task fails in a process of its own, and all that Luigi's worker hears is a text. So each attempt's end goes through a
pipe too, in lines short enough that several processes can write at once and a killed one leaves no half of a line.

Luigi tries a failed task again after `[scheduler] retry_delay`, up to `retry_count` times in all. Whether that makes
sense is told by the failure: a publisher that was down may be up again, a file that is damaged stays so. A task that
failed for good asks for a resource that no scheduler has, and is never handed out again in this run.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import luigi
from luigi.scheduler import scheduler
from luigi.worker import worker

from luigi_pipeline.core.errors import PipelineError, explain, one_line

log = logging.getLogger("luigi_pipeline")

# Luigi takes a resource that luigi.cfg does not name for one there is once.
NEVER = {"failed_for_good": 2}
_LONGEST = 700  # characters of a reason; a line must fit into what a pipe takes in one piece, 4096 bytes


@dataclass(frozen=True)
class Failure:
    """An attempt at a task that failed.

    Attributes:
        task_id: Luigi's id of the task.
        title: The task as people read it.
        error: Why it failed, in one line.
        is_passing: Whether another attempt may succeed.
    """

    task_id: str
    title: str
    error: str
    is_passing: bool


class _Pipe:
    """The run's pipe, and what has been read from it."""

    def __init__(self) -> None:
        self.failed: dict[str, Failure] = {}
        self.attempts: dict[str, int] = {}
        self.unpublished: set[tuple[str, str]] = set()
        self._unread = b""
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)

    def tell(self, message: dict[str, Any]) -> None:
        """Write a line; where the pipe is full, the failure is not told, and so not tried again."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._write, json.dumps(message, ensure_ascii=False).encode() + b"\n")

    def read(self) -> None:
        """Read what there is."""
        while select.select([self._read], [], [], 0)[0]:
            *lines, self._unread = (self._unread + os.read(self._read, 1 << 16)).split(b"\n")
            for line in lines:
                self._take(json.loads(line))

    def _take(self, message: dict[str, Any]) -> None:
        if "error" not in message:
            self.failed.pop(message["task_id"], None)
            return
        failure = Failure(**message)
        self.failed[failure.task_id] = failure
        number = self.attempts[failure.task_id] = self.attempts.get(failure.task_id, 0) + 1
        if failure.is_passing:
            _say(failure, number)

    def close(self) -> None:
        """Close both of its ends."""
        os.close(self._read)
        os.close(self._write)

    def awaits_another_attempt(self) -> bool:
        """Whether a task that failed is to be tried again."""
        most = scheduler().retry_count
        return any(it.is_passing and self.attempts[it.task_id] < most for it in self.failed.values())


_pipe: _Pipe | None = None


def listen() -> None:
    """Begin to listen, in the run's own process, before those of its tasks are forked from it."""
    global _pipe
    _pipe = _Pipe()


@contextlib.contextmanager
def listening() -> Iterator[None]:
    """Listen for as long as the body runs, in a process that goes on after it."""
    global _pipe
    listen()
    try:
        yield
    finally:
        told, _pipe = _pipe, None
        if told:
            told.close()
        worker().keep_alive = False


def resources(task_id: str, wanted: dict[str, int]) -> dict[str, int]:
    """What a task needs to be run: what it wants, or what no one has, where it has failed for good.

    Luigi asks this when an attempt at the task has ended, just before it tells the scheduler.

    Args:
        task_id: Luigi's id of the task.
        wanted: What it wants.
    """
    if _pipe is None:
        return wanted
    _pipe.read()
    # Luigi's worker goes home when nothing is left that can be run at once, unless it is told to wait.
    worker().keep_alive = _pipe.awaits_another_attempt()
    failed = _pipe.failed.get(task_id)
    return wanted | NEVER if failed and not failed.is_passing else wanted


def failed() -> list[Failure]:
    """The tasks whose last attempt has failed, in the order of their failing."""
    if _pipe is None:
        return []
    _pipe.read()
    return list(_pipe.failed.values())


def unpublished() -> list[tuple[str, str]]:
    """Source and month of what the run found not to be published yet."""
    return sorted(_pipe.unpublished) if _pipe else []


def _say(failure: Failure, number: int) -> None:
    most = scheduler().retry_count
    said = f"attempt {number} of {most} failed for a reason that may pass"
    if number < most:
        log.warning("%s: %s; next in %.0f s", failure.title, said, scheduler().retry_delay)
    else:
        log.warning("%s: %s; given up for this run", failure.title, said)


def _task_fails(task: Any, error: BaseException) -> None:
    if _pipe is None or not hasattr(task, "title"):
        return
    why = explain(error, task.data.root) if isinstance(error, Exception) else one_line(error)
    is_passing = isinstance(error, PipelineError) and error.is_passing
    _pipe.tell(asdict(Failure(task.task_id, task.title, why[:_LONGEST], is_passing)))


def _task_succeeds(task: Any) -> None:
    if _pipe is not None:
        _pipe.tell({"task_id": task.task_id})


def _process_dies(task: Any, message: str) -> None:
    if _pipe is not None and hasattr(task, "title"):
        _pipe.tell(asdict(Failure(task.task_id, task.title, one_line(message), is_passing=False)))


def _month_is_missing(task: Any) -> None:
    if _pipe is not None and task.task_family == "NotYetPublished":
        _pipe.unpublished.add((task.source, task.month))


for _event, _handler in {
    luigi.Event.FAILURE: _task_fails,
    luigi.Event.SUCCESS: _task_succeeds,
    luigi.Event.PROCESS_FAILURE: _process_dies,
    luigi.Event.DEPENDENCY_MISSING: _month_is_missing,
}.items():
    luigi.Task.event_handler(_event)(_handler)
