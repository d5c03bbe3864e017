"""Writing the history of a run as it goes, through Luigi's events.

The run's own process notes its beginning and end, the process of a task that of the task. Nothing here ever fails a
run: where the file can't be written, that is said once, and the run goes on without.
"""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import luigi

from luigi_pipeline.core.errors import explain, one_line
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


_run: _Run | None = None
# Of the task whose process this is: when it began, and what its marker said then.
_clock = 0.0
_before: Marker | None = None
# In memory that all processes of the run share: the file's trouble is told by the first one that has it.
_is_told = multiprocessing.get_context("fork").Value("b", 0)


def begin(path: Path, task: str, command: str) -> None:
    """Note that this process begins a run.

    Args:
        path: The file of the history.
        task: The task that was asked for.
        command: What the run was asked for with.
    """
    global _run
    run_id = _quietly(path, lambda: store.begin_run(path, task, redacted(command), os.getpid()))
    _run = _Run(path, run_id, os.getpid()) if run_id else None


def note(path: Path, task: str, command: str, outcome: str, exit_code: int) -> None:
    """Note a run that is over as it begins."""

    def act() -> None:
        run_id = store.begin_run(path, task, redacted(command), os.getpid())
        store.end_run(path, run_id, outcome, exit_code)

    _quietly(path, act)


def end(exit_code: int, outcome: str) -> None:
    """Note how the run has ended."""
    run = _run
    if run is None or run.pid != os.getpid():
        return
    _quietly(run.path, lambda: store.end_run(run.path, run.run_id, outcome, exit_code), is_last=True)
    _is_told.value = 0  # this process may have another run, and the file be well by then


def failed_before() -> str | None:
    """What became of the run of the same task before this one, if it did not go well; else None."""
    run = _run
    before = _quietly(run.path, lambda: store.run_before(run.path, run.run_id)) if run else None
    if before is None or before["exit_code"] in (0, 20):
        return None
    return f"{before['outcome']} in the run of {before['started_at'][:16]}Z"


def told_before() -> set[str]:
    """The overdue months that people have been alerted of."""
    run = _run
    noted: list[str] = (_quietly(run.path, lambda: store.alerts(run.path)) if run else None) or []
    return {month for text in noted for month in json.loads(text)}


def note_told(months: list[str]) -> None:
    """Note overdue months that people have been alerted of now."""
    run = _run
    if run is not None:
        _quietly(run.path, lambda: store.note_alert(run.path, run.run_id, json.dumps(months)))


def _task_begins(task: Any) -> None:
    global _clock, _before
    _clock = time.monotonic()
    run = _run
    if run is None or not hasattr(task, "marker"):
        return
    _before = task.marker()
    reason = task.reason() or "to see whether anything has changed"
    facts = {"task": task.title, "reason": reason, "source": _source(task), "month": getattr(task, "month", None)}
    _quietly(run.path, lambda: store.begin_task(run.path, run.run_id, facts))


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
    _end_task(task.title, "unchanged" if marker and _is_unchanged(_before, marker) else "done", facts)


def _task_fails(task: Any, error: BaseException) -> None:
    if _run is None or not hasattr(task, "marker"):
        return
    why = explain(error, task.data.root) if isinstance(error, Exception) else one_line(error)
    _end_task(task.title, "failed", {"seconds": round(time.monotonic() - _clock, 3), "error": why})


def _process_dies(task: Any, message: str) -> None:
    if _run is not None and hasattr(task, "marker"):
        _end_task(task.title, store.KILLED, {"error": one_line(message)})


def _month_is_missing(task: Any) -> None:
    """A fetch that found its month not published has left that as a missing dependency behind."""
    if _run is not None and task.task_family == "NotYetPublished":
        _end_task(f"FetchMonth {task.source} {task.month}", "not published yet", {})


def _end_task(title: str, outcome: str, facts: dict[str, Any]) -> None:
    run = _run
    if run is not None:
        _quietly(run.path, lambda: store.end_task(run.path, run.run_id, title, outcome, facts))


def _is_unchanged(before: Marker | None, after: Marker) -> bool:
    """Whether a task had nothing to do but to see so, or to ask a publisher for a file that is what it was."""
    if before is None or before.started_at == after.started_at:
        return before is not None
    same_files = [it.sha256 for it in before.sources] == [it.sha256 for it in after.sources]
    return bool(after.sources) and same_files and before.load_id == after.load_id


def _source(task: Any) -> str | None:
    name = getattr(task, "source", None) or getattr(task, "source_name", None)
    return str(name) if name else None


def _quietly(path: Path, act: Callable[[], Any], *, is_last: bool = False) -> Any:
    if _is_told.value and not is_last:
        return None  # a file that is locked is not waited for again and again
    try:
        return act()
    except (sqlite3.Error, OSError) as error:
        _tell(path, error)
        return None


def _tell(path: Path, error: Exception) -> None:
    with _is_told.get_lock():
        if _is_told.value:
            return
        _is_told.value = 1
    advice = "move it away if it is damaged" if isinstance(error, sqlite3.DatabaseError) else "see its folder"
    log.warning("%s can't be written (%s): the run goes on without its history; %s", path, error, advice)


for _event, _handler in {
    luigi.Event.START: _task_begins,
    luigi.Event.SUCCESS: _task_succeeds,
    luigi.Event.FAILURE: _task_fails,
    luigi.Event.PROCESS_FAILURE: _process_dies,
    luigi.Event.DEPENDENCY_MISSING: _month_is_missing,
}.items():
    luigi.Task.event_handler(_event)(_handler)
