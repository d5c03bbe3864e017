"""What happens in a run, as Luigi's events report it, goes into the history.

The events of a task come in its own process, except that its process was killed or that a month is missing.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Any

import luigi
from luigi.scheduler import scheduler

from luigi_pipeline.core.errors import PipelineError, explain, one_line
from luigi_pipeline.run.run import Run
from luigi_pipeline.state.history import store
from luigi_pipeline.state.markers import Marker

log = logging.getLogger("luigi_pipeline.history")


@dataclass(frozen=True)
class Attempt:
    """An attempt at a task: when it began, by the clock of this machine, and the task's marker at that time."""

    began: float
    before: Marker | None

    @property
    def seconds(self) -> float:
        """How long it has gone on."""
        return round(time.monotonic() - self.began, 3)


def _task_begins(task: Any) -> None:
    recording = Run.current().recording
    if recording is None or not hasattr(task, "marker"):
        return
    task.attempt = Attempt(time.monotonic(), task.marker())
    reason = task.reason() or "to see whether anything has changed"
    recording.begin_task({"task": task.title, "reason": reason} | _of_what(task))


def _task_succeeds(task: Any) -> None:
    if not hasattr(task, "attempt"):
        return
    marker = task.marker()
    file = marker.source if marker else None
    rows = marker.details.get("rows") if marker else None
    facts = {
        "seconds": task.attempt.seconds,
        "rows": sum(rows.values()) if isinstance(rows, dict) else rows,
        "bytes": file.size if file else None,
    }
    _end(task, "unchanged" if marker and _is_unchanged(task.attempt.before, marker) else "done", facts)


def _task_fails(task: Any, error: BaseException) -> None:
    recording = Run.current().recording
    if recording is None or not hasattr(task, "marker"):
        return
    if not hasattr(task, "attempt"):
        _report_missing(task)
        return
    why = explain(error, task.data.root) if isinstance(error, Exception) else one_line(error)
    is_passing = isinstance(error, PipelineError) and error.is_passing
    _end(task, store.FAILED, {"seconds": task.attempt.seconds, "error": why, "is_passing": is_passing})
    for attempts in [it.attempts for it in recording.failed() if it.title == task.title and is_passing]:
        _report_attempt(task.title, attempts)


def _report_missing(task: Any) -> None:
    """A task can't begin: what it requires was there when Luigi scheduled it, and is gone. Luigi does both again."""
    gone = [it.title for it in luigi.task.flatten(task.requires()) if not it.complete()]
    why = f"{', '.join(gone) or 'a task that it requires'} must be done again first"
    log.warning("%s: %s", task.title, why)
    _end(task, store.FAILED, {"seconds": 0.0, "error": why, "is_passing": True})


def _report_attempt(title: str, attempts: int) -> None:
    most = scheduler().retry_count
    outcome = f"attempt {attempts} of {most} failed for a reason that may pass"
    if attempts < most:
        log.warning("%s: %s; next in %.0f s", title, outcome, scheduler().retry_delay)
    else:
        log.warning("%s: %s; given up for this run", title, outcome)


def _process_dies(task: Any, message: str) -> None:
    if hasattr(task, "marker"):
        log.error("%s failed: %s", task.title, one_line(message))
        _end(task, store.KILLED, {"error": one_line(message)})


def _month_is_missing(task: Any) -> None:
    """A fetch whose month is not published leaves a missing dependency."""
    if task.task_family == "NotYetPublished":
        _end(task, store.NOT_PUBLISHED, {}, title=f"FetchMonth {task.source} {task.month}")


def _end(task: Any, outcome: str, facts: dict[str, Any], title: str = "") -> None:
    recording = Run.current().recording
    if recording is not None:
        recording.end_task(title or task.title, outcome, facts | _of_what(task))


def _is_unchanged(before: Marker | None, after: Marker) -> bool:
    """Whether a task had nothing to do, or fetched a file that has not changed."""
    if before is None or before.started_at == after.started_at:
        return before is not None
    same_files = [it.sha256 for it in before.sources] == [it.sha256 for it in after.sources]
    return bool(after.sources) and same_files and before.load_id == after.load_id


def _of_what(task: Any) -> dict[str, str | None]:
    name = getattr(task, "source", None) or getattr(task, "source_name", None)
    return {"source": str(name) if name else None, "month": getattr(task, "month", None)}


for _event, _handler in {
    luigi.Event.START: _task_begins,
    luigi.Event.SUCCESS: _task_succeeds,
    luigi.Event.FAILURE: _task_fails,
    luigi.Event.PROCESS_FAILURE: _process_dies,
    luigi.Event.DEPENDENCY_MISSING: _month_is_missing,
}.items():
    luigi.Task.event_handler(_event)(_handler)
