"""Writing the history of a run as it goes, through Luigi's events.

The run's own process records the beginning and end of the run. The process of a task records those of the task. The
history also has what has failed in the run so far.

Nothing here ever fails a run. If the file can't be written, one warning says so. The rest of the run is then recorded
in a file beside it, which is removed when the run ends. If that can't be written either, as on a full disk, Luigi tries
again what failed as it does for any task: at most `retry_count` times in all, and only while there is other work.
"""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import luigi
from luigi.scheduler import scheduler

from luigi_pipeline.core.errors import PipelineError, explain, one_line
from luigi_pipeline.core.months import Month
from luigi_pipeline.core.redaction import redacted
from luigi_pipeline.state.history import store
from luigi_pipeline.state.markers import Marker

log = logging.getLogger("luigi_pipeline.history")

OUTCOMES = {
    0: "done",
    10: "another run was going on",
    15: "not run",
    20: "not published yet",
    30: "failed",
    35: "scheduling error",
    40: "error",
}


@dataclass
class _Run:
    """The run that this process, or the one it was forked from, is."""

    path: Path
    run_id: int
    pid: int


@dataclass(frozen=True)
class Failure:
    """A task whose last attempt has failed.

    Attributes:
        title: The task as people read it.
        error: Why it failed, in one line.
        is_passing: Whether another attempt may succeed.
        attempts: How many have failed.
    """

    title: str
    error: str
    is_passing: bool
    attempts: int


_run: _Run | None = None
# In the process of a task: when the task began, and its marker then.
_clock = 0.0
_before: Marker | None = None
# Shared by all processes of the run: the first one that can't write the file warns, the others do not.
_is_lost = multiprocessing.get_context("fork").Value("b", 0)


def begin(path: Path, task: str, command: str) -> None:
    """Record that this process begins a run.

    Args:
        path: The file of the history.
        task: The task that was asked for.
        command: What the run was asked for with.
    """
    global _run
    _is_lost.value = 0
    _remove(_spare(path))
    run_id = _quietly(path, lambda it: store.begin_run(it, task, redacted(command), os.getpid()))
    _run = _Run(_spare(path) if _is_lost.value else path, run_id, os.getpid()) if run_id else None


def note(path: Path, task: str, command: str, outcome: str, exit_code: int) -> None:
    """Record a run that ends as it begins."""
    try:
        run_id = store.begin_run(path, task, redacted(command), os.getpid())
        store.end_run(path, run_id, outcome, exit_code)
    except (sqlite3.Error, OSError) as error:
        _warn(path, error)


def end(exit_code: int, outcome: str) -> None:
    """Record how the run has ended."""
    run = _run
    if run is not None and run.pid == os.getpid():
        _quietly(run.path, lambda it: store.end_run(it, run.run_id, outcome, exit_code), is_last=True)


def close() -> None:
    """Forget the run that has ended, because this process may begin another one."""
    global _run
    if _run is not None:
        _remove(_spare(_run.path))
    _run = None


def is_on() -> bool:
    """Whether this process, or the one it was forked from, is a run that is recorded."""
    return _run is not None


def failed() -> list[Failure]:
    """The tasks of the run whose last attempt has failed, in the order in which they failed."""
    ends = _last_ends(store.FAILED, store.KILLED)
    return [Failure(it["task"], it["error"] or it["outcome"], bool(it["is_passing"]), it["failures"]) for it in ends]


def unpublished() -> list[tuple[str, Month]]:
    """Source and month of each file that was not published yet when the run asked for it."""
    return sorted((it["source"], Month(it["month"])) for it in _last_ends(store.NOT_PUBLISHED))


def _last_ends(*outcomes: str) -> list[sqlite3.Row]:
    run = _run
    return (_quietly(run.path, lambda it: store.last_ends(it, run.run_id, outcomes)) if run else None) or []


def failed_before() -> str | None:
    """The outcome of the run of the same task before this one, if it failed; else None."""
    run = _run
    before = _quietly(run.path, lambda it: store.run_before(it, run.run_id)) if run else None
    if before is None or before["exit_code"] in (0, 20):
        return None
    return f"{before['outcome']} in the run of {before['started_at'][:16]}Z"


def alerted_before() -> set[str]:
    """The overdue months and findings that earlier alerts named."""
    run = _run
    alerts: list[str] = (_quietly(run.path, store.alerts) if run else None) or []
    return {name for alert in alerts for name in json.loads(alert)}


def record_alert(months: list[str]) -> None:
    """Record the overdue months and findings that an alert has just named."""
    run = _run
    if run is not None:
        _quietly(run.path, lambda it: store.record_alert(it, run.run_id, json.dumps(months)))


def _task_begins(task: Any) -> None:
    global _clock, _before
    _clock = time.monotonic()
    run = _run
    if run is None or not hasattr(task, "marker"):
        return
    _before = task.marker()
    reason = task.reason() or "to see whether anything has changed"
    facts = {"task": task.title, "reason": reason} | _of_what(task)
    _quietly(run.path, lambda it: store.begin_task(it, run.run_id, facts))


def _task_succeeds(task: Any) -> None:
    if _run is None or not hasattr(task, "marker"):
        return
    marker = task.marker()
    file = marker.source if marker else None
    rows = marker.details.get("rows") if marker else None
    facts = {
        "seconds": round(time.monotonic() - _clock, 3),
        "rows": sum(rows.values()) if isinstance(rows, dict) else rows,
        "bytes": file.size if file else None,
    }
    _end_task(task, "unchanged" if marker and _is_unchanged(_before, marker) else "done", facts)


def _task_fails(task: Any, error: BaseException) -> None:
    if _run is None or not hasattr(task, "marker"):
        return
    why = explain(error, task.data.root) if isinstance(error, Exception) else one_line(error)
    is_passing = isinstance(error, PipelineError) and error.is_passing
    seconds = round(time.monotonic() - _clock, 3)
    _end_task(task, store.FAILED, {"seconds": seconds, "error": why, "is_passing": is_passing})
    for attempts in [it.attempts for it in failed() if it.title == task.title and is_passing]:
        _report_attempt(task.title, attempts)


def _report_attempt(title: str, attempts: int) -> None:
    most = scheduler().retry_count
    outcome = f"attempt {attempts} of {most} failed for a reason that may pass"
    if attempts < most:
        log.warning("%s: %s; next in %.0f s", title, outcome, scheduler().retry_delay)
    else:
        log.warning("%s: %s; given up for this run", title, outcome)


def _process_dies(task: Any, message: str) -> None:
    if _run is not None and hasattr(task, "marker"):
        _end_task(task, store.KILLED, {"error": one_line(message)})


def _month_is_missing(task: Any) -> None:
    """A fetch whose month is not published leaves a missing dependency."""
    if _run is not None and task.task_family == "NotYetPublished":
        _end_task(task, store.NOT_PUBLISHED, {}, title=f"FetchMonth {task.source} {task.month}")


def _end_task(task: Any, outcome: str, facts: dict[str, Any], title: str = "") -> None:
    run, facts = _run, facts | _of_what(task)
    if run is not None:
        _quietly(run.path, lambda it: store.end_task(it, run.run_id, title or task.title, outcome, facts))


def _is_unchanged(before: Marker | None, after: Marker) -> bool:
    """Whether a task had nothing to do, or fetched a file that has not changed."""
    if before is None or before.started_at == after.started_at:
        return before is not None
    same_files = [it.sha256 for it in before.sources] == [it.sha256 for it in after.sources]
    return bool(after.sources) and same_files and before.load_id == after.load_id


def _of_what(task: Any) -> dict[str, str | None]:
    name = getattr(task, "source", None) or getattr(task, "source_name", None)
    return {"source": str(name) if name else None, "month": getattr(task, "month", None)}


def _quietly(path: Path, act: Callable[[Path], Any], *, is_last: bool = False) -> Any:
    """Use the history or, once that fails, the spare file. None if neither can be used."""
    if not _is_lost.value or is_last:  # do not wait for a locked file again and again
        try:
            return act(path)
        except (sqlite3.Error, OSError) as error:
            _lose(path, error)
    with suppress(sqlite3.Error, OSError):
        return act(_spare(path))
    return None


def _lose(path: Path, error: Exception) -> None:
    with _is_lost.get_lock():
        if _is_lost.value:
            return
        _is_lost.value = 1
    _warn(path, error)


def _warn(path: Path, error: Exception) -> None:
    advice = "move it away if it is damaged" if isinstance(error, sqlite3.DatabaseError) else "see its folder"
    log.warning("%s can't be written (%s): the run goes on without its history; %s", path, error, advice)


def _spare(path: Path) -> Path:
    return path.with_suffix(".spare")


def _remove(spare: Path) -> None:
    with suppress(OSError):
        for path in spare.parent.glob(f"{spare.name}*"):
            path.unlink()


for _event, _handler in {
    luigi.Event.START: _task_begins,
    luigi.Event.SUCCESS: _task_succeeds,
    luigi.Event.FAILURE: _task_fails,
    luigi.Event.PROCESS_FAILURE: _process_dies,
    luigi.Event.DEPENDENCY_MISSING: _month_is_missing,
}.items():
    luigi.Task.event_handler(_event)(_handler)
