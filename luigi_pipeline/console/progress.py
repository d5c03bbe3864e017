"""How far a task is. This is reported to Luigi's scheduler and, if the run has one, to the terminal.

The work calls `report`. Outside a task's own process it does nothing. A failed report never fails the work.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar, Protocol

from luigi_pipeline.console import terminal

if TYPE_CHECKING:
    import duckdb

log = logging.getLogger("luigi_pipeline")

_SECONDS = 0.5  # between two reports of the same step; nobody would see more


class StatusReporter(Protocol):
    """Luigi's reporter for a task's process, which passes reports on to the scheduler."""

    def update_status_message(self, message: str) -> None:
        """Report in words how far the task is."""

    def update_progress_percentage(self, percentage: int) -> None:
        """Report how far the task is, 0 to 100."""

    def update_tracking_url(self, tracking_url: str) -> None:
        """Report the URL that shows what the task does."""


class _Following:
    """The task that this process works on, and where its progress is reported."""

    current: ClassVar[_Following | None] = None

    def __init__(self, title: str, reporter: StatusReporter) -> None:
        self.title = title
        self._reporter: StatusReporter | None = reporter
        self._reported_at, self._step = float("-inf"), ""

    def report(self, message: str, fraction: float, step: str) -> None:
        now = time.monotonic()
        if step == self._step and fraction < 1 and now - self._reported_at < _SECONDS:
            return
        self._reported_at, self._step = now, step
        terminal.show_progress(self.title, message, fraction)
        self._update(lambda reporter: reporter.update_status_message(message))
        self._update(lambda reporter: reporter.update_progress_percentage(int(100 * fraction)))

    def link(self, url: str) -> None:
        self._update(lambda reporter: reporter.update_tracking_url(url))

    def _update(self, call: Callable[[StatusReporter], None]) -> None:
        if self._reporter is None:
            return
        try:
            call(self._reporter)
        except Exception as error:  # no error of a report may fail the work
            # Each attempt takes seconds. If the scheduler is gone for good, the run itself will notice.
            log.info("%s: reports no more progress to the scheduler: %s", self.title, error)
            self._reporter = None


@contextmanager
def following(title: str, reporter: StatusReporter) -> Iterator[None]:
    """Report the progress of a task while the body runs.

    Args:
        title: The task, as people read it.
        reporter: Luigi's reporter for the task's process.
    """
    _Following.current = _Following(title, reporter)
    try:
        yield
    finally:
        terminal.end_progress(title)
        _Following.current = None


def report(message: str, fraction: float, step: str = "") -> None:
    """Report how far the task is.

    Args:
        message: In words: `loading 2024-10: 2.1 of 3.8 million rows`.
        fraction: The same as a number, 0 to 1.
        step: What the task is doing. The first report of a step is always shown; later ones are limited in rate.
    """
    if _Following.current:
        _Following.current.report(message, min(max(fraction, 0.0), 1.0), step)


def link(url: str | None) -> None:
    """Report the URL that shows what the task does or made; None, without a central scheduler, reports nothing."""
    if _Following.current and url:
        _Following.current.link(url)


def of_rows(done: float, rows: int) -> str:
    """The processed part of the rows in words: `2.1 of 3.8 million rows`, `5,120 of 38,400 rows`."""
    if rows < 1_000_000:
        return f"{done * rows:,.0f} of {rows:,} rows"
    return f"{done * rows / 1e6:,.1f} of {rows / 1e6:,.1f} million rows"


@contextmanager
def of_query(
    connection: duckdb.DuckDBPyConnection, doing: str, rows: int, part: tuple[float, float] = (0, 1)
) -> Iterator[None]:
    """Report how far DuckDB is with the query that the body executes.

    Args:
        connection: The connection that executes it.
        doing: What the query does; each message begins with it.
        rows: The number of rows that it works on.
        part: The part of the task's whole progress that the query covers, from and to, each 0 to 1.
    """
    if not _Following.current:
        yield
        return
    connection.execute("set enable_progress_bar = true; set enable_progress_bar_print = false")
    over, (begin, end) = threading.Event(), part

    def watch() -> None:
        while not over.wait(_SECONDS):
            done = connection.query_progress() / 100
            if done > 0:
                report(f"{doing}: {of_rows(done, rows)}", begin + done * (end - begin), step=doing)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
