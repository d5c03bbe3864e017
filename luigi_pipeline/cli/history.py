"""Show the last runs or, with --task, the seconds and rows of a task from one attempt to the next.

A month with over 40 % fewer rows than the months before it is named below. Works beside a run.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sqlite3
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from luigi_pipeline.core.errors import PipelineError
from luigi_pipeline.run.run import Run
from luigi_pipeline.state.history import looking, volumes

if TYPE_CHECKING:
    from rich.console import Console

_WIDTH_OF_A_PIPE = 160
_LAST = 20
_COLOURS = {"done": "green", "unchanged": "dim", "running": "cyan", "not published yet": "yellow"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--task", metavar="TASK", help="a task: LoadMonth, 'LoadMonth citibike', DbtBuild, ...")
    parser.add_argument("--limit", type=_count, default=_LAST, metavar="N", help="show at most N of them (default: 20)")
    parser.add_argument("--json", action="store_true", help="print {runs|attempts: [...], drops: [...]} as JSON")


def run(options: argparse.Namespace) -> int:
    """Print the runs, or the attempts of a task.

    Raises:
        PipelineError: The history can't be read, or has no such task.
    """
    from rich.console import Console

    path = Run.current().data.history
    if not path.exists():
        raise PipelineError(f"there is no {path}: nothing has been run on this data dir yet")
    try:
        attempts = looking.attempts(path, options.task, options.limit) if options.task else []
        last = [] if options.task else looking.last_runs(path, options.limit)
    except sqlite3.Error as error:
        raise PipelineError(f"{path} can't be read ({error}); move it away if it is damaged") from error
    if options.task and not attempts:
        raise PipelineError(f"{path} knows no task {options.task}; without --task, it shows the runs")
    drops = volumes.drops(Run.current().data, Run.current().settings)
    if options.json:
        content = (
            {"attempts": [asdict(it) for it in attempts]} if options.task else {"runs": [asdict(it) for it in last]}
        )
        print(json.dumps(content | {"drops": [asdict(it) for it in drops]}, indent=2))
        return 0
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH_OF_A_PIPE)
    if options.task:
        _show_attempts(attempts, console)
    else:
        _show_runs(last, console)
    for drop in drops:
        console.print(f"[yellow]fewer rows:[/yellow] {drop}", soft_wrap=True)
    return 0


def _show_runs(last: list[looking.Run], console: Console) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table("run", "task", "started", "took", "outcome", "exit", "tasks done", "failed", box=None, pad_edge=False)
    for it in last:
        failed = "\n".join(f"{task}: {why}" for task, why in it.failed.items())
        table.add_row(
            str(it.run_id),
            it.task,
            _local(it.started_at),
            _took(it.started_at, it.ended_at),
            _coloured(it.outcome),
            "" if it.exit_code is None else str(it.exit_code),
            str(it.done),
            escape(failed),
        )
    console.print(table)


def _show_attempts(attempts: list[looking.Attempt], console: Console) -> None:
    from rich.markup import escape
    from rich.table import Table

    columns = ("task", "started", "outcome", "seconds", "+/-", "rows", "+/-", "MB", "why")
    table = Table(*columns, box=None, pad_edge=False)
    for column in table.columns[3:8]:
        column.justify = "right"
    for it in attempts:
        table.add_row(
            it.task,
            _local(it.started_at),
            _coloured(it.outcome),
            "" if it.seconds is None else f"{it.seconds:,.1f}",
            _change(it.seconds, it.usual_seconds),
            "" if it.rows is None else f"{it.rows:,}",
            _change(it.rows, it.usual_rows),
            "" if it.bytes is None else f"{it.bytes / 1e6:,.2f}",
            escape(it.error or it.reason or ""),
        )
    console.print(table)
    console.print("+/-: against the median of up to six earlier times; of rows, of the months before")


def _change(value: float | None, usual: float | None) -> str:
    if value is None or not usual:
        return ""
    return f"{value / usual - 1:+.0%}"


def _coloured(outcome: str) -> str:
    colour = _COLOURS.get(outcome, "red")
    return f"[{colour}]{outcome}[/{colour}]"


def _local(at: str) -> str:
    return f"{dt.datetime.fromisoformat(at).astimezone():%Y-%m-%d %H:%M:%S}"


def _took(started_at: str, ended_at: str | None) -> str:
    ended = dt.datetime.fromisoformat(ended_at) if ended_at else dt.datetime.now(dt.UTC)
    seconds = (ended - dt.datetime.fromisoformat(started_at)).total_seconds()
    return f"{seconds:,.1f} s" if seconds < 60 else f"{int(seconds // 60)} min {seconds % 60:.0f} s"


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number of runs; give 1 or more")
    return count
