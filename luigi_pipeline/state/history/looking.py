"""Looking back at a history: its last runs, and how a task's seconds and rows have gone from time to time."""

from __future__ import annotations

import sqlite3
import statistics
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from luigi_pipeline.state.history import store

_EARLIER = 6  # attempts, or months, that one is compared with


@dataclass(frozen=True)
class Run:
    """A run.

    Attributes:
        run_id: Its number.
        task: What was asked for.
        command: The command line.
        started_at: UTC, ISO 8601.
        ended_at: The same; of one that was killed, when it was last heard of.
        outcome: In words: done, failed, killed, running, ...
        exit_code: None if there was none.
        done: Tasks that were done.
        failed: Tasks that failed, each with its reason.
    """

    run_id: int
    task: str
    command: str
    started_at: str
    ended_at: str | None
    outcome: str
    exit_code: int | None
    done: int
    failed: dict[str, str]


@dataclass(frozen=True)
class Attempt:
    """An attempt at a task.

    Attributes:
        task: Its title.
        run_id: Its run.
        started_at: UTC, ISO 8601.
        ended_at: The same.
        outcome: done, unchanged (there was nothing to do), failed, killed, cut off, not published yet or running.
        seconds: How long it took.
        usual_seconds: The median of up to six earlier ones of the same title; of a month's, of the same source.
        rows: Rows that it made.
        usual_rows: The median of those of up to six earlier months, or else attempts.
        bytes: Size of the published file.
        reason: Why it ran.
        error: Why it failed.
    """

    task: str
    run_id: int
    started_at: str
    ended_at: str | None
    outcome: str
    seconds: float | None
    usual_seconds: float | None
    rows: int | None
    usual_rows: float | None
    bytes: int | None
    reason: str | None
    error: str | None


def last_runs(path: Path, limit: int) -> list[Run]:
    """The last runs, the newest first. A run whose process is gone was killed, though it could not say so.

    Raises:
        sqlite3.Error: The history can't be read.
    """
    with store.reading(path) as connection:
        rows = connection.execute("select * from runs order by run_id desc limit ?", (limit,)).fetchall()
        return [_run(connection, row) for row in rows]


def _run(connection: sqlite3.Connection, run: sqlite3.Row) -> Run:
    tasks = connection.execute(
        "select task, outcome, error from tasks where run_id = ? order by task_id", (run["run_id"],)
    ).fetchall()
    last = {task["task"]: task for task in tasks}  # of several attempts, the last one counts
    failed = {
        name: task["error"] or task["outcome"]
        for name, task in last.items()
        if task["outcome"] in (store.FAILED, store.KILLED)
    }
    return Run(
        run["run_id"],
        run["task"],
        run["command"],
        run["started_at"],
        run["ended_at"],
        _outcome(run),
        run["exit_code"],
        sum(task["outcome"] == "done" for task in last.values()),
        failed,
    )


def _outcome(run: sqlite3.Row) -> str:
    is_over = run["outcome"] != store.RUNNING or store.is_alive(run)
    return str(run["outcome"]) if is_over else store.KILLED


def attempts(path: Path, task: str, limit: int) -> list[Attempt]:
    """The last attempts at a task, the newest first, each with what is usual.

    Args:
        path: The file.
        task: A title such as `LoadMonth citibike 2024-09`, or its beginning: `LoadMonth citibike`, `LoadMonth`.
        limit: How many.

    Raises:
        sqlite3.Error: The history can't be read.
    """
    with store.reading(path) as connection:
        over = [run["run_id"] for run in connection.execute("select * from runs") if _outcome(run) == store.KILLED]
        recorded = connection.execute(
            "select * from tasks where task = ? or substr(task, 1, ?) = ? order by task_id",
            (task, len(task) + 1, f"{task} "),
        ).fetchall()
    seconds: dict[str, list[float]] = defaultdict(list)
    rows: dict[str, dict[str, int]] = defaultdict(dict)
    attempts_so_far = []
    for row in recorded:
        kind = " ".join(row["task"].split()[:2]) if row["month"] else row["task"]
        is_killed = row["outcome"] == store.RUNNING and row["run_id"] in over
        earlier = [rows[kind][key] for key in sorted(rows[kind]) if row["month"] is None or key < row["month"]]
        attempts_so_far.append(
            Attempt(
                row["task"],
                row["run_id"],
                row["started_at"],
                row["ended_at"],
                store.KILLED if is_killed else row["outcome"],
                row["seconds"],
                _usual(seconds[kind]),
                row["rows"],
                _usual(earlier) if row["rows"] is not None else None,
                row["bytes"],
                row["reason"],
                row["error"],
            )
        )
        if row["outcome"] == "done":
            seconds[kind].append(row["seconds"] or 0.0)
            if row["rows"] is not None:
                rows[kind][row["month"] or row["started_at"]] = row["rows"]
    return attempts_so_far[::-1][:limit]


def _usual(values: list[float] | list[int]) -> float | None:
    return statistics.median(values[-_EARLIER:]) if values else None
