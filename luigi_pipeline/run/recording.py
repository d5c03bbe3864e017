"""Writing the history of a run as it goes.

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
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luigi_pipeline.core.months import Month
from luigi_pipeline.core.redaction import redacted
from luigi_pipeline.state.history import store

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


def note(path: Path, task: str, command: str, exit_code: int) -> None:
    """Record a run that ends as it begins.

    Args:
        path: The file of the history.
        task: The task that was asked for.
        command: What the run was asked for with.
        exit_code: Why it ends.
    """
    try:
        run_id = store.begin_run(path, task, redacted(command), os.getpid())
        store.end_run(path, run_id, OUTCOMES[exit_code], exit_code)
    except (sqlite3.Error, OSError) as error:
        _warn(path, error)


class Recording:
    """The record of a run in the history."""

    def __init__(self, path: Path, task: str, command: str) -> None:
        """Record that this process begins a run.

        Args:
            path: The file of the history.
            task: The task that was asked for.
            command: What the run was asked for with.
        """
        self._path, self._spare = path, path.with_suffix(".spare")
        self._owner = os.getpid()
        # Shared by all processes of the run: the first one that can't write the file warns, the others do not.
        self._is_lost = multiprocessing.get_context("fork").Value("b", 0)
        self._remove_spare()
        self._run_id: int | None = self._quietly(lambda it: store.begin_run(it, task, redacted(command), self._owner))
        if self._is_lost.value:
            self._path = self._spare  # the run has its number there

    def end(self, exit_code: int, outcome: str) -> None:
        """Record how the run has ended. The file may be writable again."""
        if self._run_id is None or self._owner != os.getpid():
            return
        try:
            store.end_run(self._path, self._run_id, outcome, exit_code)
        except (sqlite3.Error, OSError) as error:
            self._lose(error)

    def close(self) -> None:
        """Remove what only the run itself needed."""
        self._remove_spare()

    def begin_task(self, facts: dict[str, Any]) -> None:
        """Record that a task begins."""
        self._act(lambda it, run_id: store.begin_task(it, run_id, facts))

    def end_task(self, title: str, outcome: str, facts: dict[str, Any]) -> None:
        """Record how a task has ended."""
        self._act(lambda it, run_id: store.end_task(it, run_id, title, outcome, facts))

    def failed(self) -> list[Failure]:
        """The tasks whose last attempt has failed, in the order in which they failed."""
        ends = self._last_ends(store.FAILED, store.KILLED)
        return [
            Failure(it["task"], it["error"] or it["outcome"], bool(it["is_passing"]), it["failures"]) for it in ends
        ]

    def unpublished(self) -> list[tuple[str, Month]]:
        """Source and month of each file that was not published yet when the run asked for it."""
        return sorted((it["source"], Month(it["month"])) for it in self._last_ends(store.NOT_PUBLISHED))

    def failed_before(self) -> str | None:
        """The outcome of the run of the same task before this one, if it failed; else None."""
        before = self._act(store.run_before)
        if before is None or before["exit_code"] in (0, 20):
            return None
        return f"{before['outcome']} in the run of {before['started_at'][:16]}Z"

    def alerted_before(self) -> set[str]:
        """The overdue months and findings that earlier alerts named."""
        alerts: list[str] = self._quietly(store.alerts) or []
        return {name for alert in alerts for name in json.loads(alert)}

    def record_alert(self, months: list[str]) -> None:
        """Record the overdue months and findings that an alert has just named."""
        self._act(lambda it, run_id: store.record_alert(it, run_id, json.dumps(months)))

    def _last_ends(self, *outcomes: str) -> list[sqlite3.Row]:
        return self._act(lambda it, run_id: store.last_ends(it, run_id, outcomes)) or []

    def _act(self, act: Callable[[Path, int], Any]) -> Any:
        run_id = self._run_id
        return None if run_id is None else self._quietly(lambda it: act(it, run_id))

    def _quietly(self, act: Callable[[Path], Any]) -> Any:
        """Use the history or, once that fails, the spare file. None if neither can be used."""
        if not self._is_lost.value:  # do not wait for a locked file again and again
            try:
                return act(self._path)
            except (sqlite3.Error, OSError) as error:
                self._lose(error)
        with suppress(sqlite3.Error, OSError):
            return act(self._spare)
        return None

    def _lose(self, error: Exception) -> None:
        with self._is_lost.get_lock():
            if self._is_lost.value:
                return
            self._is_lost.value = 1
        _warn(self._path, error)

    def _remove_spare(self) -> None:
        with suppress(OSError):
            for path in self._spare.parent.glob(f"{self._spare.name}*"):
                path.unlink()


def _warn(path: Path, error: Exception) -> None:
    advice = "move it away if it is damaged" if isinstance(error, sqlite3.DatabaseError) else "see its folder"
    log.warning("%s can't be written (%s): the run goes on without its history; %s", path, error, advice)
