"""The file of the history: its tables, and short transactions on them.

Each call opens the file, does one thing and closes it: Luigi forks, and no connection may live on in a child.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from luigi_pipeline.core.clock import utc_now
from luigi_pipeline.state import identity

RUNNING = "running"
FAILED = "failed"
KILLED = "killed"
CUT_OFF = "cut off"
NOT_PUBLISHED = "not published yet"

WAIT_SECONDS = 5.0
_TABLES = """
create table if not exists runs (
    run_id integer primary key,
    task text not null,
    command text not null,
    pid integer not null,
    process_started real,
    started_at text not null,
    ended_at text,
    outcome text not null,
    exit_code integer,
    alerted text
);
create table if not exists tasks (
    task_id integer primary key,
    run_id integer not null references runs,
    task text not null,
    source text,
    month text,
    started_at text not null,
    ended_at text,
    outcome text not null,
    seconds real,
    rows integer,
    bytes integer,
    reason text,
    error text,
    is_passing integer
);
create index if not exists tasks_of_a_run on tasks (run_id);
create index if not exists tasks_by_name on tasks (task, started_at);
"""


@contextmanager
def writing(path: Path) -> Iterator[sqlite3.Connection]:
    """One transaction on the file, which is made if it is missing.

    Raises:
        sqlite3.Error: It is locked for too long, damaged, or the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, timeout=WAIT_SECONDS)) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("pragma journal_mode = wal")  # a reader does not wait for a run, nor a run for a reader
        connection.execute("pragma synchronous = normal")
        connection.executescript(_TABLES)
        with connection:
            yield connection


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """The file, for reading; not a byte of it changes.

    Raises:
        sqlite3.Error: It can't be read.
    """
    with closing(_open_for_reading(path)) as connection:
        connection.row_factory = sqlite3.Row
        yield connection


def _open_for_reading(path: Path) -> sqlite3.Connection:
    location = f"file:{quote(str(path))}?mode=ro"
    connection = sqlite3.connect(location, timeout=WAIT_SECONDS, uri=True)
    try:
        connection.execute("select 1 from runs limit 1")
    except sqlite3.OperationalError:
        connection.close()
        if os.access(path.parent, os.W_OK):
            raise
        # SQLite keeps a file beside the database while it is read. Without write access to the folder, read without.
        return sqlite3.connect(f"{location}&immutable=1", uri=True)
    return connection


def begin_run(path: Path, task: str, command: str, pid: int) -> int:
    """Record a run that begins. First, mark runs whose process is gone as killed.

    Returns:
        The run's number.
    """
    with writing(path) as connection:
        connection.execute("begin immediate")
        if "is_passing" not in [column["name"] for column in connection.execute("pragma table_info(tasks)")]:
            connection.execute("alter table tasks add column is_passing integer")  # the file is of an older version
        for run in connection.execute("select * from runs where outcome = ?", (RUNNING,)).fetchall():
            if not is_alive(run):
                _end_killed(connection, run["run_id"])
        made = connection.execute(
            "insert into runs (task, command, pid, process_started, started_at, outcome) values (?, ?, ?, ?, ?, ?)",
            (task, command, pid, identity.started(pid), utc_now(), RUNNING),
        )
        return int(made.lastrowid or 0)


def end_run(path: Path, run_id: int, outcome: str, exit_code: int) -> None:
    """Record how a run has ended. Tasks that were still running were cut off with it."""
    with writing(path) as connection:
        connection.execute(
            "update runs set ended_at = ?, outcome = ?, exit_code = ? where run_id = ?",
            (utc_now(), outcome, exit_code, run_id),
        )
        connection.execute(
            "update tasks set ended_at = ?, outcome = ? where run_id = ? and outcome = ?",
            (utc_now(), CUT_OFF, run_id, RUNNING),
        )


def begin_task(path: Path, run_id: int, facts: Mapping[str, Any]) -> int:
    """Record a task that begins.

    Args:
        path: The file.
        run_id: Its run.
        facts: Columns of `tasks`, by name.

    Returns:
        The number of this attempt at the task.
    """
    with writing(path) as connection:
        return _add_task(connection, {"run_id": run_id, "started_at": utc_now(), "outcome": RUNNING} | dict(facts))


def end_task(path: Path, run_id: int, task: str, outcome: str, facts: Mapping[str, Any]) -> None:
    """Record how the running attempt at a task has ended, or an attempt that failed before it began."""
    known = {"ended_at": utc_now(), "outcome": outcome} | dict(facts)
    changes = ", ".join(f"{column} = ?" for column in known)
    with writing(path) as connection:
        changed = connection.execute(
            f"update tasks set {changes} where run_id = ? and task = ? and outcome = ?",
            (*known.values(), run_id, task, RUNNING),
        )
        if changed.rowcount == 0:
            _add_task(connection, {"run_id": run_id, "task": task, "started_at": known["ended_at"]} | known)


def _add_task(connection: sqlite3.Connection, facts: Mapping[str, Any]) -> int:
    columns, marks = ", ".join(facts), ", ".join("?" for _ in facts)
    made = connection.execute(f"insert into tasks ({columns}) values ({marks})", tuple(facts.values()))
    return int(made.lastrowid or 0)


def last_ends(path: Path, run_id: int, outcomes: Sequence[str]) -> list[sqlite3.Row]:
    """The last ended attempts at the tasks of a run, the first one to end first, if they ended in one of some ways.

    Args:
        path: The file.
        run_id: The run.
        outcomes: The ways. `failures` is how many attempts at the task have ended in one of them.
    """
    marks = ", ".join("?" for _ in outcomes)
    with reading(path) as connection:
        # SQLite takes the columns beside a `max` from the row that has it.
        return connection.execute(
            f"""
            select *, max(task_id), sum(outcome in ({marks})) as failures
            from tasks
            where run_id = ? and outcome not in (?, ?)
            group by task
            having outcome in ({marks})
            order by ended_at, task_id
            """,
            (*outcomes, run_id, RUNNING, CUT_OFF, *outcomes),
        ).fetchall()


def record_alert(path: Path, run_id: int, names: str) -> None:
    """Record the overdue months and findings, a list in JSON, that an alert of a run named."""
    with writing(path) as connection:
        connection.execute("update runs set alerted = ? where run_id = ?", (names, run_id))


def run_before(path: Path, run_id: int) -> sqlite3.Row | None:
    """The run before of the same task that came to an end of its own, or was killed; None if there is none."""
    with reading(path) as connection:
        found: sqlite3.Row | None = connection.execute(
            """
            select * from runs
            where
                run_id < ? and task = (select this.task from runs as this where this.run_id = ?)
                and (outcome = ? or exit_code in (0, 15, 20, 30, 35, 40))
            order by run_id desc
            limit 1
            """,
            (run_id, run_id, KILLED),
        ).fetchone()
        return found


def alerts(path: Path) -> list[str]:
    """What the runs have alerted people of, as it was noted."""
    with reading(path) as connection:
        return [run["alerted"] for run in connection.execute("select alerted from runs where alerted is not null")]


def is_alive(run: sqlite3.Row) -> bool:
    """Whether the process of a run is still there; another one may bear its number by now."""
    begun = identity.started(run["pid"])
    return begun is not None and begun == run["process_started"]


def _end_killed(connection: sqlite3.Connection, run_id: int) -> None:
    # When it was killed no one knows: what is known is when it was last heard of.
    connection.execute(
        """
        update runs set outcome = ?, ended_at = (
            select max(started_at, coalesce((
                select max(coalesce(tasks.ended_at, tasks.started_at)) from tasks where tasks.run_id = runs.run_id
            ), started_at))
        ) where run_id = ?
        """,
        (KILLED, run_id),
    )
    connection.execute("update tasks set outcome = ? where run_id = ? and outcome = ?", (KILLED, run_id, RUNNING))
